#!/bin/sh
# Speaks the shipped prompts and composes the music on hold.
# Needs espeak-ng (voice cmn) and sox. Writes 8 kHz mono G.711 A-law WAV beside
# itself; the files are kept in the repository, so this runs only when a text
# changes.
set -eu
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# say NAME TEXT: one spoken prompt, silence cut off both ends.
say() {
	espeak-ng -v cmn -s 185 -p 45 -a 90 -w "$tmp/in.wav" "$2"
	sox "$tmp/in.wav" -r 8000 -c 1 "$tmp/cut.wav" \
		highpass 200 lowpass 3400 \
		silence 1 0.02 0.5% reverse silence 1 0.02 0.5% reverse \
		pad 0.03 0.06 norm -6
	sox "$tmp/cut.wav" -e a-law -b 8 "$1.wav"
}

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

n=0
for c in 零 一 二 三 四 五 六 七 八 九; do
	say "digit-$n" "$c"
	n=$((n + 1))
done
say ten 十
say hundred 百

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
