package media

import "math/bits"

// The tables of ITU-T G.711. Encoding is looked up by the upper 14 bits of a sample, which is all that µ-law (14 bits) and
// A-law (13 bits) see. They are computed once, when the package is loaded, from the segment formulas below.
var (
	alawDecode = decodeTable(decodeALaw)
	ulawDecode = decodeTable(decodeULaw)
	alawEncode = encodeTable(encodeALaw)
	ulawEncode = encodeTable(encodeULaw)
	ulawToALaw = crossTable(&ulawDecode, &alawEncode)
	alawToULaw = crossTable(&alawDecode, &ulawEncode)
)

func decodeTable(decode func(byte) int16) (t [256]int16) {
	for i := range t {
		t[i] = decode(byte(i))
	}
	return t
}

func encodeTable(encode func(int16) byte) (t [1 << 14]byte) {
	for i := range t {
		t[i] = encode(int16(uint16(i << 2)))
	}
	return t
}

func crossTable(decode *[256]int16, encode *[1 << 14]byte) (t [256]byte) {
	for i := range t {
		t[i] = encode[uint16(decode[i])>>2]
	}
	return t
}

// decodeALaw expands one A-law code to 16 bits (G.711 table 1: 13 bits, shifted left by three).
func decodeALaw(code byte) int16 {
	code ^= 0x55
	segment := (code >> 4) & 7
	value := int16(code&0x0F)<<4 + 8
	if segment > 0 {
		value = (value + 0x100) << (segment - 1)
	}
	if code&0x80 == 0 {
		return -value
	}
	return value
}

// encodeALaw compresses a 16-bit sample.
func encodeALaw(sample int16) byte {
	value, sign := int32(sample)>>3, byte(0x80)
	if value < 0 {
		value, sign = -value-1, 0
	}
	if value > 0xFFF {
		value = 0xFFF
	}
	code := byte(value >> 1)
	if value >= 32 {
		segment := bits.Len32(uint32(value)) - 5
		code = byte(segment<<4) | byte(value>>segment)&0x0F
	}
	return (code | sign) ^ 0x55
}

const ulawBias = 0x84

// decodeULaw expands one µ-law code to 16 bits (G.711 table 2: 14 bits, shifted left by two).
func decodeULaw(code byte) int16 {
	code = ^code
	value := (int16(code&0x0F)<<3+ulawBias)<<((code>>4)&7) - ulawBias
	if code&0x80 != 0 {
		return -value
	}
	return value
}

// encodeULaw compresses a 16-bit sample.
func encodeULaw(sample int16) byte {
	value, sign := int32(sample), byte(0)
	if value < 0 {
		value, sign = -value, 0x80
	}
	if value > 32635 {
		value = 32635
	}
	value += ulawBias
	segment := bits.Len32(uint32(value)) - 8
	mantissa := byte(value>>(segment+3)) & 0x0F
	return ^(sign | byte(segment<<4) | mantissa)
}
