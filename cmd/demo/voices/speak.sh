#!/bin/sh
# Speaks what the demonstration's citizens and operators say on the telephone.
# Needs espeak-ng (voice cmn) and sox. Writes 8 kHz mono G.711 A-law WAV beside
# itself; the files are kept in the repository, so this runs only when a text
# changes.
set -eu
cd "$(dirname "$0")"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# say NAME PITCH SPEED TEXT
say() {
	espeak-ng -v cmn -s "$3" -p "$2" -a 90 -w "$tmp/in.wav" "$4"
	sox "$tmp/in.wav" -r 8000 -c 1 "$tmp/cut.wav" \
		highpass 200 lowpass 3400 \
		silence 1 0.02 0.5% reverse silence 1 0.02 0.5% reverse \
		pad 0.03 0.1 norm -6
	sox "$tmp/cut.wav" -e a-law -b 8 "$1.wav"
}

say operator-greeting 55 190 '您好，云澜热线，请讲。'
say operator-address 55 190 '请说一下具体地址。'
say operator-note 55 190 '好的，我登记一下。'
say operator-closing 55 190 '已经登记，会尽快转办，再见。'
say operator-answer 55 190 '可以在政务小程序上办理，再见。'

say citizen-complaint-1 35 200 '你好，我想反映一个问题。'
say citizen-complaint-2 65 200 '喂，你好，我要投诉。'
say citizen-inquiry 60 200 '你好，我想咨询一下。'
say citizen-praise 40 200 '你好，我是来表扬的。'
say citizen-address 40 200 '地址就在我们小区门口。'
say citizen-thanks-1 35 200 '好的，谢谢，再见。'
say citizen-thanks-2 65 200 '麻烦你们了，再见。'

say citizen-urban 38 200 '门口天天有人摆摊，路都走不了。'
say citizen-housing 62 200 '旁边的工地半夜还在施工，根本睡不着。'
say citizen-transport 36 200 '路上有一个大坑，好几天了没有人管。'
say citizen-utility 64 200 '家里停水了，什么时候能来？'
say citizen-env 40 200 '楼下的饭店油烟特别大，窗户都不敢开。'
say citizen-market 60 200 '买的东西有问题，商家不给退款。'
say citizen-labour 34 200 '干了三个月，老板不发工资。'
say citizen-edu 66 200 '我想问一下，今年孩子上学是怎么划片的。'
say citizen-health 58 200 '医院挂号排队太久了。'
say citizen-police 37 200 '消防通道被车堵死了，很危险。'
say citizen-agri 33 200 '村里的水渠堵了，田里没有水。'
say citizen-gov 61 200 '办事大厅排队两个小时，只开了一个窗口。'
