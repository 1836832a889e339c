#!/bin/sh
# Speaks the shipped prompts and composes the music on hold.
# Needs espeak-ng (voices cmn, en-gb and yue) and sox. Writes 8 kHz mono G.711
# A-law WAV beside itself, and in the folder of the language; the files are kept
# in the repository, so this runs only when a text changes.
set -eu
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# speaks FOLDER VOICE SPEED: what is said next.
speaks() {
	folder=$1 voice=$2 speed=$3
	mkdir -p "$folder"
}

# say NAME TEXT: one spoken prompt, silence cut off both ends.
say() {
	espeak-ng -v "$voice" -s "$speed" -p 45 -a 90 -w "$tmp/in.wav" "$2"
	sox "$tmp/in.wav" -r 8000 -c 1 "$tmp/cut.wav" \
		highpass 200 lowpass 3400 \
		silence 1 0.02 0.5% reverse silence 1 0.02 0.5% reverse \
		pad 0.03 0.06 norm -6
	sox "$tmp/cut.wav" -e a-law -b 8 "$folder/$1.wav"
}

# digits WORD...: from zero on.
digits() {
	n=0
	for word in "$@"; do
		say "digit-$n" "$word"
		n=$((n + 1))
	done
}

speaks . cmn 185
say welcome '您好，欢迎拨打一二三四五热线。为保证服务质量，本次通话将被录音。咨询请按一，投诉请按二，人工服务请按零。'
say invalid '您的输入有误，请重新选择。'
say connecting '正在为您转接，请稍候。'
say busy '当前话务员全忙，请您稍候。'
say no-agent '当前没有话务员在线，请您稍候或稍后再拨。'
say ahead-before '您前面还有'
say ahead-after '位来电人，请稍候。'
say next '您是下一位，请稍候。'
say goodbye '感谢您的来电，再见。'
say queue-full '当前来电较多，请稍后再拨。'
say rate '请评价本次服务，非常满意按五，满意按四，一般按三，不满意按二，非常不满意按一。'
say rated '感谢您的评价，再见。'
say seat-lost '非常抱歉，与话务员的连接已中断，我们将尽快给您回电。'
say callback-offer '如需我们给您回电，请按一，您的排队位置将为您保留。'
say callback-noted '好的，我们将按您的排队位置尽快给您回电，请保持电话畅通，再见。'
say wait-before '预计等候'
say wait-after '分钟。'
say voicemail '请在提示音后留言，留言结束请按井号键，或直接挂机。'
say voicemail-noted '您的留言已经记录，我们将尽快处理，再见。'
say enter-number '请输入您的工单编号，按井号键结束。'
say progress-accepted '您的诉求已经受理，正在转交承办单位。'
say progress-processing '您的诉求正在办理。'
say progress-answered '您的诉求已经答复。'
say holiday '您好，今天是节假日，人工服务可能需要等候，您也可以通过网站或微信反映诉求。'
say emergency '您好，当前因突发情况来电较多，如遇生命财产危险，请拨打一一零、一一九或一二零。'
digits 零 一 二 三 四 五 六 七 八 九
say ten 十
say hundred 百

speaks en en-gb 165
say welcome 'Welcome to one two three four five, the government hotline. This call is recorded. For questions press 1, for complaints press 2, for an operator press 0.'
say invalid 'This is not a valid choice. Please try again.'
say connecting 'Please hold while we connect you.'
say busy 'All operators are busy. Please hold.'
say no-agent 'No operator is at work now. Please hold, or call later.'
say ahead-before 'Callers before you:'
say ahead-after 'Please hold.'
say next 'You are the next in line. Please hold.'
say goodbye 'Thank you for calling. Goodbye.'
say queue-full 'There are many calls at present. Please call later.'
say rate 'Please rate our service, from 5, very satisfied, to 1, very dissatisfied.'
say rated 'Thank you. Goodbye.'
say seat-lost 'We are sorry, the connection to the operator was lost. We will call you back soon.'
say callback-offer 'To be called back, press 1. You will keep your place.'
say callback-noted 'We will call you back in your turn. Goodbye.'
say wait-before 'Waiting time, about'
say wait-after 'minutes.'
say voicemail 'Please leave your message after the tone. To finish, press hash, or hang up.'
say voicemail-noted 'Your message was recorded. Goodbye.'
say enter-number 'Please enter the number of your ticket, then hash.'
say progress-accepted 'Your request was accepted and is being handed over.'
say progress-processing 'Your request is being worked on.'
say progress-answered 'Your request was answered.'
say holiday 'Today is a public holiday. You may have to wait for an operator. You can also write to us on the web or by WeChat.'
say emergency 'Because of an emergency there are many calls at present. If life or property is in danger, call 1 1 0, 1 1 9 or 1 2 0.'
digits zero one two three four five six seven eight nine
say ten ten
say hundred hundred

speaks yue yue 185
say welcome '您好，歡迎致電一二三四五熱線。為保證服務質素，通話將會錄音。查詢請按一，投訴請按二，搵職員請按零。'
say invalid '輸入有誤，請重新選擇。'
say connecting '正在為您轉駁，請等等。'
say busy '所有職員都喺度接聽緊電話，請您等等。'
say no-agent '而家冇職員在線，請您等等，或者遲啲再打嚟。'
say ahead-before '您前面仲有'
say ahead-after '位，請等等。'
say next '下一位就係您，請等等。'
say goodbye '多謝您嘅來電，再見。'
say queue-full '而家來電比較多，請遲啲再打嚟。'
say rate '請評價今次服務，非常滿意按五，滿意按四，一般按三，唔滿意按二，非常唔滿意按一。'
say rated '多謝您嘅評價，再見。'
say seat-lost '非常抱歉，同職員嘅連線斷咗，我哋會盡快打返畀您。'
say callback-offer '如果想我哋打返畀您，請按一，您嘅位置會保留。'
say callback-noted '好，我哋會按次序打返畀您，再見。'
say wait-before '估計要等'
say wait-after '分鐘。'
say voicemail '請喺提示音之後留言，講完請按井號鍵，或者收線。'
say voicemail-noted '您嘅留言已經記錄，再見。'
say enter-number '請輸入您嘅工單編號，按井號鍵結束。'
say progress-accepted '您嘅訴求已經受理。'
say progress-processing '您嘅訴求辦理緊。'
say progress-answered '您嘅訴求已經答覆。'
say holiday '您好，今日係假期，可能要等職員接聽，您亦可以透過網站或者微信反映訴求。'
say emergency '您好，而家因為突發情況來電較多，如果有生命財產危險，請打一一零、一一九或者一二零。'
digits 零 一 二 三 四 五 六 七 八 九
say ten 十
say hundred 百

# The tone before a message.
sox -n -r 8000 -c 1 "$tmp/beep.wav" synth 0.4 sine 1000 gain -n -12 pad 0.05 0.05
for folder in . en yue; do
	sox "$tmp/beep.wav" -e a-law -b 8 "$folder/beep.wav"
done

# Music on hold: four quiet chords (C, Am, F, G) of 2.5 s that fade into each
# other, so that the file can be played in a loop.
chord() {
	sox -n -r 8000 -c 1 "$tmp/$1.wav" synth 2.5 sine "$2" synth 2.5 sine mix "$3" \
		synth 2.5 sine mix "$4" fade t 0.25 2.5 0.4 gain -n -17
}
chord c 261.63 329.63 392.00
chord a 220.00 261.63 329.63
chord f 174.61 220.00 261.63
chord g 196.00 246.94 293.66
sox "$tmp/c.wav" "$tmp/a.wav" "$tmp/f.wav" "$tmp/g.wav" -e a-law -b 8 music.wav
