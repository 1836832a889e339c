package commands

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"hotline/search/topic"
)

func newTopics() *cobra.Command {
	var in, out string
	c := &cobra.Command{
		Use: "topics", Args: cobra.NoArgs,
		Short: "Group messages (CSV with id, user, subject, time, body, likes) by matter and rank the groups by heat; writes topic, rank, heat, id, name",
		RunE: func(c *cobra.Command, _ []string) error {
			reports, err := readReports(in)
			if err != nil {
				return err
			}
			began := time.Now()
			ranked := rank(reports)
			sum := struct {
				Messages int     `json:"messages"`
				Topics   int     `json:"topics"`
				Seconds  float64 `json:"seconds"`
			}{len(reports), len(ranked), time.Since(began).Seconds()}
			if err := writeTopics(out, ranked); err != nil {
				return err
			}
			return printJSON(c, sum)
		},
	}
	c.Flags().StringVar(&in, "in", "", "CSV file")
	c.Flags().StringVar(&out, "out", "", "CSV file")
	cobra.CheckErr(c.MarkFlagRequired("in"))
	cobra.CheckErr(c.MarkFlagRequired("out"))
	return c
}

func readReports(path string) ([]topic.Report, error) {
	var all []topic.Report
	seen := map[string]bool{}
	err := eachRow(path, []string{"id", "subject", "time"}, func(r csvRow) error {
		at, err := messageTime(r.text("time"))
		if err != nil {
			return err
		}
		likes := 0
		if text := r.text("likes"); text != "" {
			if likes, err = strconv.Atoi(text); err != nil || likes < 0 || likes > maxCount {
				return fmt.Errorf("likes are not a whole number from 0 to %d", maxCount)
			}
		}
		id := r.text("id")
		if id == "" || seen[id] {
			return fmt.Errorf("the id %q is empty or there twice", id)
		}
		seen[id] = true
		all = append(all, topic.Report{ID: id, User: r.text("user"), Title: r.text("subject"), Body: r.text("body"), Time: at, Likes: likes})
		return nil
	})
	slices.SortStableFunc(all, func(a, b topic.Report) int { return a.Time.Compare(b.Time) })
	return all, err
}

// messageTime reads RFC 3339 and the usual forms of spreadsheets, these in Shanghai's time.
func messageTime(text string) (time.Time, error) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, nil
	}
	for _, layout := range []string{time.DateTime, "2006/1/2 15:04:05", "2006/1/2 15:04", time.DateOnly, "2006/1/2"} {
		if at, err := time.ParseInLocation(layout, text, time.FixedZone("CST", 8*60*60)); err == nil {
			return at, nil
		}
	}
	return time.Time{}, errors.New("the time is not like 2026-01-31T15:04:05+08:00 or 2026-01-31 15:04:05")
}

type rankedTopic struct {
	*topic.Topic
	heat topic.Heat
	name string
}

// rank groups messages and puts the hottest group first. Heat is as of the last message.
func rank(reports []topic.Report) []rankedTopic {
	words := topic.NewWords()
	for _, r := range reports {
		words.Learn(r.Title, r.Body)
	}
	groups := topic.NewGroups(words, topic.DefaultSettings())
	var now time.Time
	for _, r := range reports {
		groups.Add(r)
		now = r.Time
	}
	var ranked []rankedTopic
	for _, t := range groups.Topics() {
		ranked = append(ranked, rankedTopic{t, t.Heat(now), groups.Name(t)})
	}
	slices.SortFunc(ranked, func(a, b rankedTopic) int {
		return cmp.Or(cmp.Compare(b.heat.Value, a.heat.Value), cmp.Compare(a.Number, b.Number))
	})
	return ranked
}

func writeTopics(path string, ranked []rankedTopic) error {
	return writeCSV(path, func(w *csv.Writer) error {
		if err := w.Write([]string{"topic", "rank", "heat", "id", "name"}); err != nil {
			return err
		}
		for i, t := range ranked {
			for _, m := range t.Members {
				row := []string{strconv.Itoa(t.Number), strconv.Itoa(i + 1), decimal(t.heat.Value), m.ID, t.name}
				if err := w.Write(row); err != nil {
					return err
				}
			}
		}
		return nil
	})
}
