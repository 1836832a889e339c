// The phone that runs in the browser: JsSIP, and ears for tones. `say` is given by phone.mjs.
import JsSIP from 'jssip'

const silence = 0.005 // mean amplitude below which nothing is heard

/** Ears hear what a call's party says. */
class Ears {
  constructor(context) {
    this.context = context
    this.analyser = context.createAnalyser()
    this.analyser.fftSize = 2048
    this.samples = new Float32Array(this.analyser.fftSize)
  }

  listen(stream) {
    // Chromium decodes a remote stream only where an element plays it.
    this.player = Object.assign(new Audio(), { srcObject: stream, muted: true })
    void this.player.play()
    this.source?.disconnect()
    this.source = this.context.createMediaStreamSource(stream)
    this.source.connect(this.analyser)
  }

  read() {
    this.analyser.getFloatTimeDomainData(this.samples)
    return this.samples
  }

  loudness() {
    return Math.sqrt(this.read().reduce((sum, s) => sum + s * s, 0) / this.samples.length)
  }

  /** amplitude of one tone (Goertzel). */
  amplitude(frequency) {
    const turn = 2 * Math.cos((2 * Math.PI * frequency) / this.context.sampleRate)
    let before = 0
    let last = 0
    for (const s of this.read()) [before, last] = [last, s + turn * last - before]
    return (2 * Math.sqrt(Math.max(0, last * last + before * before - turn * last * before))) / this.samples.length
  }
}

let ua, session, ears
const constraints = { audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false }, video: false }
const how = { mediaConstraints: constraints, pcConfig: { iceServers: [] } }

function follow(s) {
  session = s
  // The server is found by its own candidate: there is nothing to wait for.
  s.on('icecandidate', (e) => e.ready())
  s.on('peerconnection', () => hear())
  if (s.connection) hear()
  s.on('confirmed', () => say({ event: 'state', state: 'CONFIRMED' }))
  s.on('ended', (e) => say({ event: 'state', state: 'DISCONNECTED', cause: e.cause }))
  s.on('failed', (e) => say({ event: 'state', state: 'DISCONNECTED', cause: e.cause }))
}

function hear() {
  session.connection.addEventListener('track', (e) => ears.listen(e.streams[0] ?? new MediaStream([e.track])))
}

async function media() {
  const stats = [...(await session.connection.getStats()).values()]
  const transport = stats.find((s) => s.type === 'transport')
  return { dump: transport ? `${transport.dtlsState} ${transport.srtpCipher ?? ''}` : 'none' }
}

const done = (begin) => new Promise((resolve, reject) => begin(resolve, reject))

const commands = {
  async start({ server, user, secret }) {
    const context = new AudioContext()
    await context.resume()
    ears = new Ears(context)
    ua = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(server)],
      uri: `sip:${user}@${new URL(server).hostname}`,
      register: Boolean(secret),
      password: secret,
    })
    ua.on('registered', () => say({ event: 'registered', code: 200 }))
    ua.on('registrationFailed', (e) => say({ event: 'registered', code: e.response?.status_code ?? 0 }))
    ua.on('newRTCSession', (e) => {
      follow(e.session)
      if (e.originator === 'remote') say({ event: 'incoming' })
    })
    await done((resolve) => {
      ua.on('connected', resolve)
      ua.start()
    })
  },
  dial({ to }) {
    ua.call(to, how)
  },
  answer() {
    session.answer(how)
  },
  /** answers and gives the milliseconds until the first sound. */
  async time() {
    const began = performance.now()
    session.answer(how)
    while (ears.loudness() < silence) await new Promise((next) => setTimeout(next, 2))
    return { took: performance.now() - began }
  },
  digits({ digits }) {
    session.sendDTMF(digits, { transportType: JsSIP.C.DTMF_TRANSPORT.RFC2833 })
  },
  hold: () => done((resolve, reject) => session.hold({}, resolve) || reject(new Error('hold is not ready'))),
  resume: () => done((resolve, reject) => session.unhold({}, resolve) || reject(new Error('unhold is not ready'))),
  transfer: ({ to }) =>
    done((resolve, reject) =>
      session.refer(to, { eventHandlers: { requestSucceeded: resolve, requestFailed: (e) => reject(new Error(e.cause)) } }),
    ),
  hangup() {
    session.terminate()
  },
  secure: media,
  hears: ({ frequency }) => ({ tone: ears.amplitude(frequency), rms: ears.loudness() }),
}

window.command = async ({ do: name, ...words }) => (await commands[name](words)) ?? {}
