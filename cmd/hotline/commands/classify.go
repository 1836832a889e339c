package commands

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"hotline/cmd/hotline/whole"
	"hotline/search/classify"
)

// longestText bounds one line of a file of examples, in bytes.
const longestText = 1 << 20

func newClassify() *cobra.Command {
	c := &cobra.Command{Use: "classify", Short: "Learn from labelled texts which label a text has: train, eval, folds"}
	var in, out, model string
	train := &cobra.Command{
		Use: "train", Short: "Learn a model from a file of lines: label TAB text", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			examples, err := readExamples(in)
			if err != nil {
				return err
			}
			m, err := classify.Learn(examples)
			if err != nil {
				return err
			}
			if err := whole.Write(out, m.Write); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "learned %d labels from %d texts\n", len(m.Labels), m.Texts)
			return nil
		},
	}
	eval := &cobra.Command{
		Use: "eval", Short: "Measure a model on a file of lines: label TAB text; prints JSON", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			examples, err := readExamples(in)
			if err != nil {
				return err
			}
			m, err := readModel(model)
			if err != nil {
				return err
			}
			return printJSON(c, m.Evaluate(examples))
		},
	}
	folds, seeds := 5, 5
	cross := &cobra.Command{
		Use: "folds", Short: "Learn from parts of a file and measure on the rest, several times over; prints JSON", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if folds < 2 || folds > 100 || seeds < 1 || seeds > 100 {
				return usageError{errors.New("give 2 to 100 folds and 1 to 100 seeds")}
			}
			examples, err := readExamples(in)
			if err != nil {
				return err
			}
			found, err := crossValidate(examples, folds, seeds)
			if err != nil {
				return err
			}
			return printJSON(c, found)
		},
	}
	cross.Flags().IntVar(&folds, "folds", folds, "into how many parts")
	cross.Flags().IntVar(&seeds, "seeds", seeds, "how many times")
	train.Flags().StringVar(&out, "out", "", "file for the model")
	eval.Flags().StringVar(&model, "model", "", "file with the model")
	for _, sub := range []*cobra.Command{train, eval, cross} {
		sub.Flags().StringVar(&in, "in", "", "file of lines: label TAB text")
		for _, name := range []string{"in", "out", "model"} {
			if sub.Flags().Lookup(name) != nil {
				cobra.CheckErr(sub.MarkFlagRequired(name))
			}
		}
		c.AddCommand(sub)
	}
	return c
}

// crossMeasure is the mean of several cross-validations.
type crossMeasure struct {
	Accuracy float64   `json:"accuracy"`
	MacroF1  float64   `json:"macro_f1"`
	Sure     float64   `json:"sure"`
	Right    float64   `json:"right"`
	Seeds    []float64 `json:"macro_f1_of_seeds"`
}

func crossValidate(examples []classify.Example, folds, seeds int) (crossMeasure, error) {
	var mean crossMeasure
	for seed := range seeds {
		all, err := classify.CrossValidate(examples, folds, uint64(seed)) //nolint:gosec // a small number
		if err != nil {
			return mean, err
		}
		f1 := 0.0
		for _, m := range all {
			n := float64(folds * seeds)
			mean.Accuracy, mean.MacroF1, mean.Sure, mean.Right = mean.Accuracy+m.Accuracy/n, mean.MacroF1+m.MacroF1/n, mean.Sure+m.Sure/n, mean.Right+m.Right/n
			f1 += m.MacroF1 / float64(folds)
		}
		mean.Seeds = append(mean.Seeds, f1)
	}
	return mean, nil
}

func printJSON(c *cobra.Command, v any) error {
	e := json.NewEncoder(c.OutOrStdout())
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// readExamples reads lines of a label, a tab and a text.
func readExamples(path string) ([]classify.Example, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(make([]byte, 64<<10), longestText)
	var list []classify.Example
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimPrefix(strings.TrimRight(lines.Text(), "\r"), "\ufeff")
		if line == "" {
			continue
		}
		label, text, ok := strings.Cut(line, "\t")
		if label = strings.TrimSpace(label); !ok || label == "" || !utf8.ValidString(line) {
			return nil, fmt.Errorf("%s: line %d is not label TAB text in UTF-8", path, n)
		}
		list = append(list, classify.Example{Label: label, Text: text})
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

func readModel(path string) (*classify.Model, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := classify.Read(bufio.NewReader(f))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}
