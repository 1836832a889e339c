package classify_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"hotline/search/classify"
)

// matters are what the generated messages are about.
var matters = map[string][]string{
	"路灯": {"路灯不亮", "路灯坏了三天", "晚上没有灯", "灯杆倾斜", "照明设施损坏"},
	"供暖": {"暖气不热", "室温只有十三度", "供暖不达标", "换热站停了", "家里老人冻得睡不着"},
	"噪声": {"工地夜间施工", "噪音太大", "广场舞音响扰民", "凌晨还在打桩", "吵得孩子睡不着"},
	"停车": {"小区车位被占", "乱停车堵住通道", "停车收费不合理", "消防通道停满车", "地锁私装"},
}

// messages are generated: two or three phrases of a matter among words of none.
func messages(n int, seed uint64) []classify.Example {
	random := rand.New(rand.NewPCG(seed, 1))
	filler := []string{"您好", "我是市民", "已经反映过", "请尽快处理", "谢谢", "一直没有人管", "在东门附近", "上个月开始"}
	labels := []string{"路灯", "供暖", "噪声", "停车"}
	var list []classify.Example
	for i := range n {
		label := labels[i%len(labels)]
		var b strings.Builder
		for range 2 + random.IntN(2) {
			b.WriteString(matters[label][random.IntN(5)] + "," + filler[random.IntN(len(filler))] + ",")
		}
		if random.IntN(10) == 0 { // some speak of another matter too
			b.WriteString(matters[labels[random.IntN(4)]][random.IntN(5)])
		}
		list = append(list, classify.Example{Label: label, Text: b.String()})
	}
	return list
}

func TestLearnsWhatTextsAreAbout(t *testing.T) {
	model, err := classify.Learn(messages(400, 1))
	require.NoError(t, err)
	m := model.Evaluate(messages(400, 2))
	require.Greater(t, m.MacroF1, 0.97)
	require.Greater(t, m.Right, 0.97)
	require.Len(t, m.Labels, 4)
	p := model.Predict("小区东门的路灯不亮,请尽快处理")
	require.Equal(t, "路灯", p.Label)
	require.True(t, p.Sure)
	require.NotEmpty(t, p.Because)
	require.Contains(t, p.Because[0], "灯")
	require.Len(t, p.Others, 3)
	none := model.Predict("αβγ")
	require.False(t, none.Sure, "of what it knows nothing, it proposes nothing")
	require.Empty(t, none.Because)
	require.False(t, model.Predict("").Sure)
}

func TestProbabilitiesAreCalibrated(t *testing.T) {
	// A third of the labels are wrong: nobody can be surer than that.
	examples := messages(1200, 3)
	random := rand.New(rand.NewPCG(9, 9))
	labels := []string{"路灯", "供暖", "噪声", "停车"}
	for i := range examples {
		if random.IntN(3) == 0 {
			examples[i].Label = labels[random.IntN(4)]
		}
	}
	model, err := classify.Learn(examples[:800])
	require.NoError(t, err)
	sum, right := 0.0, 0
	for _, e := range examples[800:] {
		p := model.Predict(e.Text)
		sum += p.Probability
		if p.Label == e.Label {
			right++
		}
	}
	require.InDelta(t, float64(right)/400, sum/400, 0.07, "what is said with a probability is right as often")
}

func TestTheSameTwiceAndThroughAFile(t *testing.T) {
	examples := messages(200, 4)
	one, err := classify.Learn(examples)
	require.NoError(t, err)
	two, err := classify.Learn(examples)
	require.NoError(t, err)
	var a, b bytes.Buffer
	require.NoError(t, one.Write(&a))
	require.NoError(t, two.Write(&b))
	require.Equal(t, a.Bytes(), b.Bytes())
	read, err := classify.Read(bytes.NewReader(a.Bytes()))
	require.NoError(t, err)
	for _, e := range messages(50, 5) {
		require.Equal(t, one.Predict(e.Text), read.Predict(e.Text))
	}
	for _, broken := range [][]byte{nil, a.Bytes()[:20], a.Bytes()[:a.Len()-1], append([]byte("HLCLASS0"), a.Bytes()[8:]...)} {
		_, err := classify.Read(bytes.NewReader(broken))
		require.ErrorIs(t, err, classify.ErrModel)
	}
	flipped := bytes.Clone(a.Bytes())
	flipped[a.Len()/2] ^= 1
	_, err = classify.Read(bytes.NewReader(flipped))
	require.ErrorIs(t, err, classify.ErrModel)
}

func TestTooLittle(t *testing.T) {
	_, err := classify.Learn(nil)
	require.ErrorIs(t, err, classify.ErrTooFew)
	_, err = classify.Learn(messages(1, 1))
	require.ErrorIs(t, err, classify.ErrTooFew)
	// A label of three texts is left out, and named by nobody.
	examples := append(messages(40, 6), classify.Example{Label: "少", Text: "少见"}, classify.Example{Label: "少", Text: "少有"}, classify.Example{Label: "少", Text: "少"})
	model, err := classify.Learn(examples)
	require.NoError(t, err)
	require.NotContains(t, model.Labels, "少")
	require.Equal(t, 40, model.Texts)
}

func TestCrossValidation(t *testing.T) {
	all, err := classify.CrossValidate(messages(200, 7), 5, 1)
	require.NoError(t, err)
	require.Len(t, all, 5)
	texts := 0
	for _, m := range all {
		texts += m.Texts
		require.Greater(t, m.MacroF1, 0.9)
		for _, l := range m.Labels {
			require.Equal(t, 10, l.Texts, "each label has its share of each fold")
		}
	}
	require.Equal(t, 200, texts)
}

// TestAnyTextHasAnAnswer: whatever comes, probabilities are probabilities.
func TestAnyTextHasAnAnswer(t *testing.T) {
	model, err := classify.Learn(messages(80, 8))
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		p := model.Predict(rapid.String().Draw(t, "text"))
		sum := p.Probability
		for _, o := range p.Others {
			require.LessOrEqual(t, o.Probability, 1.0)
			sum += o.Probability
		}
		require.InDelta(t, 1, sum, 1e-9)
		require.False(t, math.IsNaN(sum))
		for _, piece := range p.Because {
			require.NotEmpty(t, piece)
		}
	})
}

func ExampleModel_Predict() {
	model, err := classify.Learn(messages(200, 1))
	if err != nil {
		panic(err)
	}
	fmt.Println(model.Predict("家里暖气不热").Label)
	// Output: 供暖
}
