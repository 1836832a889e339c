"""A phone on pjsip, driven by JSON lines: commands on stdin, events and answers on stdout.

Every command is {"id": N, "do": NAME, ...} and gets {"id": N, ...} or {"id": N, "error": TEXT}; what happens by itself is
{"event": NAME, ...}. All of pjsip runs on this one thread.
"""

import array
import json
import math
import os
import queue
import sys
import tempfile
import threading
import time
import wave

import pjsua2 as pj

RATE = 8000

# pjsip writes to stdout too: that goes to stderr, and the answers go where stdout was.
ANSWERS = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)


def say(**words):
    ANSWERS.write(json.dumps(words) + "\n")
    ANSWERS.flush()


class Call(pj.Call):
    def __init__(self, phone, *args):
        super().__init__(phone.account, *args)
        self.phone = phone
        self.audio = None

    def onCallState(self, prm):
        info = self.getInfo()
        say(event="state", call=info.id, state=info.stateText, code=info.lastStatusCode)
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.audio = None
            self.phone.gone(self)

    def onCallMediaState(self, prm):
        info = self.getInfo()
        for i, m in enumerate(info.media):
            if m.type == pj.PJMEDIA_TYPE_AUDIO and m.status in (pj.PJSUA_CALL_MEDIA_ACTIVE, pj.PJSUA_CALL_MEDIA_REMOTE_HOLD):
                self.audio = self.getAudioMedia(i)
                if self.phone.voice:
                    self.phone.voice.startTransmit(self.audio)
        say(event="media", call=info.id, status=[m.status for m in info.media])

    def onDtmfDigit(self, prm):
        say(event="digit", digit=prm.digit)

    def onCallTransferStatus(self, prm):
        say(event="transfer", code=prm.statusCode, final=prm.finalNotify)


class Account(pj.Account):
    phone = None

    def onRegState(self, prm):
        say(event="registered", code=prm.code)

    def onIncomingCall(self, prm):
        call = Call(self.phone, prm.callId)
        self.phone.calls.append(call)
        say(event="incoming", call=prm.callId)
        ring = pj.CallOpParam()
        ring.statusCode = 180
        call.answer(ring)


class Phone:
    def __init__(self):
        self.endpoint = pj.Endpoint()
        self.account = None
        self.calls = []
        self.past = []  # kept, so that no object of a call goes while pjsip still uses it
        self.voice = None
        self.listened = 0
        self.folder = tempfile.mkdtemp(prefix="pjsua")

    def start(self, transport, user, secret="", registrar="", proxy="", srtp="", keying="sdes", ca="", log=""):
        self.endpoint.libCreate()
        cfg = pj.EpConfig()
        cfg.uaConfig.threadCnt = 0
        cfg.uaConfig.mainThreadOnly = True
        cfg.uaConfig.userAgent = "pjsua2"
        cfg.logConfig.level = 5
        cfg.logConfig.consoleLevel = 0
        cfg.logConfig.filename = log
        cfg.medConfig.clockRate = RATE
        cfg.medConfig.sndClockRate = RATE
        cfg.medConfig.ecTailLen = 0
        cfg.medConfig.noVad = True
        self.endpoint.libInit(cfg)
        tp = pj.TransportConfig()
        tp.port = 0
        tp.boundAddress = "127.0.0.1"
        kind = {"udp": pj.PJSIP_TRANSPORT_UDP, "tcp": pj.PJSIP_TRANSPORT_TCP, "tls": pj.PJSIP_TRANSPORT_TLS}[transport]
        if transport == "tls":
            tp.tlsConfig.CaListFile = ca
            tp.tlsConfig.verifyServer = True
        transport_id = self.endpoint.transportCreate(kind, tp)
        self.endpoint.libStart()
        self.endpoint.audDevManager().setNullDev()
        for codec in self.endpoint.codecEnum2():
            self.endpoint.codecSetPriority(codec.codecId, 200 if codec.codecId.startswith("PCMA") else 100 if codec.codecId.startswith("PCMU") else 0)
        suffix = "" if transport == "udp" else ";transport=" + transport
        ac = pj.AccountConfig()
        ac.idUri = "sip:%s@%s%s" % (user, registrar or "127.0.0.1", suffix)
        if secret:
            ac.regConfig.registrarUri = "sip:%s%s" % (registrar, suffix)
            ac.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", user, 0, secret))
        if proxy:
            ac.sipConfig.proxies.append("sip:%s;lr%s" % (proxy, suffix))
        ac.mediaConfig.transportConfig.boundAddress = "127.0.0.1"
        ac.mediaConfig.transportConfig.port = 50000 + os.getpid() % 1000 * 10
        ac.natConfig.contactRewriteUse = 0
        if srtp:
            ac.mediaConfig.srtpUse = {"optional": pj.PJMEDIA_SRTP_OPTIONAL, "mandatory": pj.PJMEDIA_SRTP_MANDATORY}[srtp]
            ac.mediaConfig.srtpSecureSignaling = 0
            ac.mediaConfig.srtpOpt.keyings.clear()
            ac.mediaConfig.srtpOpt.keyings.append({"sdes": pj.PJMEDIA_SRTP_KEYING_SDES, "dtls": pj.PJMEDIA_SRTP_KEYING_DTLS_SRTP}[keying])
        self.account = Account()
        self.account.phone = self
        self.account.create(ac)
        return {"address": self.endpoint.transportGetInfo(transport_id).localName}

    def gone(self, call):
        if call in self.calls:
            self.calls.remove(call)
            self.past.append(call)

    def current(self, which=-1):
        if not self.calls:
            raise RuntimeError("there is no call")
        return self.calls[which]

    def tone(self, frequency):
        self.voice = pj.ToneGenerator()
        self.voice.createToneGenerator(RATE, 1)
        desc = pj.ToneDesc()
        desc.freq1, desc.freq2, desc.on_msec, desc.off_msec, desc.volume = int(frequency), 0, 1000, 0, 8000
        tones = pj.ToneDescVector()
        tones.append(desc)
        self.voice.play(tones, True)

    def dial(self, to):
        call = Call(self)
        self.calls.append(call)
        call.makeCall(to, pj.CallOpParam(True))

    def answer(self):
        ok = pj.CallOpParam()
        ok.statusCode = 200
        self.current().answer(ok)

    def hold(self):
        self.current().setHold(pj.CallOpParam(True))

    def resume(self):
        prm = pj.CallOpParam(True)
        prm.opt.flag = pj.PJSUA_CALL_UNHOLD
        self.current().reinvite(prm)

    def transfer(self, to):
        self.current().xfer(to, pj.CallOpParam(True))

    def join(self):
        """Connects the other sides of the two calls (attended transfer)."""
        self.current(0).xferReplaces(self.current(1), pj.CallOpParam(True))

    def digits(self, digits):
        self.current().dialDtmf(digits)

    def hangup(self):
        self.current().hangup(pj.CallOpParam())

    def secure(self):
        """Whether the sound of the call is encrypted, by pjsip's own dump."""
        return {"dump": self.current().dump(True, " ")}

    def hears(self, frequency):
        """The share of full scale that a frequency has in the next 300 ms, and that of all sound."""
        audio = self.current().audio
        if audio is None:
            return {"tone": 0.0, "rms": 0.0}
        self.listened += 1
        path = os.path.join(self.folder, "heard%d.wav" % self.listened)
        recorder = pj.AudioMediaRecorder()
        recorder.createRecorder(path)
        audio.startTransmit(recorder)
        until = time.monotonic() + 0.35
        while time.monotonic() < until:
            self.endpoint.libHandleEvents(20)
        try:
            audio.stopTransmit(recorder)
        except pj.Error:
            pass  # the call has ended
        del recorder
        # The file is written when pjsip's own thread lets the recorder go.
        until = time.monotonic() + 2
        while os.path.getsize(path) <= 44 and time.monotonic() < until:
            self.endpoint.libHandleEvents(20)
        try:
            heard = wave.open(path)
        except (wave.Error, EOFError):  # pjsip gives the port back later than it says; the next 300 ms will do
            return {"tone": 0.0, "rms": 0.0}
        with heard as w:
            pcm = array.array("h", w.readframes(w.getnframes()))[-RATE // 5:]
        return {"tone": goertzel(pcm, frequency), "rms": math.sqrt(sum(s * s for s in pcm) / max(1, len(pcm))) / 32768, "samples": len(pcm)}


def goertzel(pcm, frequency):
    if not pcm:
        return 0.0
    w = 2 * math.pi * frequency / RATE
    re = sum(s * math.cos(w * i) for i, s in enumerate(pcm))
    im = sum(s * math.sin(w * i) for i, s in enumerate(pcm))
    return 2 * math.hypot(re, im) / len(pcm) / 32768


def main():
    commands = queue.Queue()

    def read():
        for line in sys.stdin:
            commands.put(json.loads(line))
        commands.put(None)

    threading.Thread(target=read, daemon=True).start()
    phone = Phone()
    started = False
    while True:
        try:
            command = commands.get(block=not started)
        except queue.Empty:
            phone.endpoint.libHandleEvents(10)
            continue
        if command is None:
            break
        number, name = command.pop("id"), command.pop("do")
        try:
            answer = getattr(phone, name)(**command) or {}
            started = True
            say(id=number, **answer)
        except (pj.Error, RuntimeError, OSError, EOFError, wave.Error) as e:
            say(id=number, error=e.info() if isinstance(e, pj.Error) else str(e))
    # What pjsip still holds goes with the process; its own tear-down takes seconds.
    try:
        phone.endpoint.hangupAllCalls()
        phone.endpoint.libHandleEvents(50)
    except pj.Error:
        pass
    os._exit(0)


main()
