package app

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hotline/jobs"
	"hotline/telephony"
	"hotline/telephony/trunk"
)

var (
	callsNow   = prometheus.NewDesc("hotline_calls", "Calls going on.", nil, nil)
	legsNow    = prometheus.NewDesc("hotline_sip_sessions", "SIP legs open.", nil, nil)
	portsNow   = prometheus.NewDesc("hotline_rtp_legs", "RTP legs open.", nil, nil)
	waitingNow = prometheus.NewDesc("hotline_callers_waiting", "Callers waiting in queues.", nil, nil)
	seatsNow   = prometheus.NewDesc("hotline_seats", "Seats by state.", []string{"state"}, nil)
	answerErr  = prometheus.NewDesc("hotline_estimate_error", "Median of |said − actual| ÷ actual of the newest estimated waits of a queue, over waits of 10 s and more.", []string{"queue"}, nil)
	answersSum = prometheus.NewDesc("hotline_estimates_total", "Estimated waits of 10 s and more that were measured.", []string{"queue"}, nil)
	trunkCalls = prometheus.NewDesc("hotline_trunk_calls", "Calls going on through a trunk.", []string{"trunk", "direction"}, nil)
	gatewayUp  = prometheus.NewDesc("hotline_trunk_gateway_up", "1 when a gateway answers, 0 when it is down or suspect, -1 when nothing is known.", []string{"trunk", "gateway"}, nil)
	gatewayRTT = prometheus.NewDesc("hotline_trunk_gateway_rtt_seconds", "Round trip of the gateway's last answered OPTIONS.", []string{"trunk", "gateway"}, nil)
	trunkBound = prometheus.NewDesc("hotline_trunk_registered", "1 while the registration at the trunk's operator stands.", []string{"trunk"}, nil)
	failovers  = prometheus.NewDesc("hotline_trunk_failovers_total", "Times that an outbound call went on to another gateway.", nil, nil)
	legMOS     = prometheus.NewDesc("hotline_leg_mos", "Estimated opinion of a listener (ITU-T G.107) of each leg that ended.", []string{"side"}, nil)
	legLoss    = prometheus.NewDesc("hotline_leg_loss_percent", "Packets lost on the way to the server, per leg that ended.", nil, nil)
	legJitter  = prometheus.NewDesc("hotline_leg_jitter_ms", "Interarrival jitter of each leg that ended.", nil, nil)
	legTrip    = prometheus.NewDesc("hotline_leg_round_trip_ms", "Round trip to the party of each leg that ended.", nil, nil)
	spooledNow = prometheus.NewDesc("hotline_recordings_spooled", "Recordings on their way to the blob store.", nil, nil)

	owedNow      = prometheus.NewDesc("hotline_outbox_owed", "Effects owed and not done.", []string{"topic"}, nil)
	oldestOwed   = prometheus.NewDesc("hotline_outbox_lag_seconds", "For how long the oldest effect is owed; of topic index, how far the search index is behind.", []string{"topic"}, nil)
	deadlinesSum = prometheus.NewDesc("hotline_deadlines_fired_total", "Deadlines fired by this node.", nil, nil)
	sweepsSum    = prometheus.NewDesc("hotline_queue_sweeps_total", "Sweeps of the outbox by this node.", nil, nil)
	epochsSum    = prometheus.NewDesc("hotline_queue_epochs_total", "Times the queue was found new, wiped or back.", nil, nil)
	queueUp      = prometheus.NewDesc("hotline_queue_up", "1 when the queue answers.", nil, nil)
)

// callMetrics reads the call centre at every scrape.
type callMetrics struct{ center *telephony.Center }

func (m callMetrics) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, out) }

func (m callMetrics) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, n int, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(n), labels...)
	}
	c := m.center.Counts()
	gauge(callsNow, c.Calls)
	gauge(legsNow, c.Sessions)
	gauge(portsNow, c.Ports)
	gauge(waitingNow, c.Waiting)
	gauge(spooledNow, c.Spooled)
	states := map[string]int{}
	for _, a := range m.center.Agents() {
		states[string(a.State)]++
	}
	for state, n := range states {
		gauge(seatsNow, n, state)
	}
	for _, q := range m.center.Queues() {
		out <- prometheus.MustNewConstMetric(answerErr, prometheus.GaugeValue, q.EstimateError, q.Name)
		out <- prometheus.MustNewConstMetric(answersSum, prometheus.CounterValue, float64(q.Estimates), q.Name)
	}
	m.collectTrunks(out)
	m.collectQuality(out)
}

func (m callMetrics) collectQuality(out chan<- prometheus.Metric) {
	histogram := func(d *prometheus.Desc, h telephony.Histogram, labels ...string) {
		buckets, sum := map[float64]uint64{}, uint64(0)
		for i, bound := range h.Bounds {
			sum += h.Buckets[i]
			buckets[bound] = sum
		}
		out <- prometheus.MustNewConstHistogram(d, h.Count, h.Sum, buckets, labels...)
	}
	q := m.center.Quality()
	histogram(legMOS, q.MOS, "here")
	histogram(legMOS, q.RemoteMOS, "party")
	histogram(legLoss, q.Loss)
	histogram(legJitter, q.Jitter)
	histogram(legTrip, q.RoundTrip)
}

func (m callMetrics) collectTrunks(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	out <- prometheus.MustNewConstMetric(failovers, prometheus.CounterValue, float64(m.center.Failovers()))
	for _, t := range m.center.Trunks() {
		gauge(trunkCalls, float64(t.In), t.Name, "in")
		gauge(trunkCalls, float64(t.Out), t.Name, "out")
		if t.Registration != nil {
			bound := 0.0
			if t.Registration.Registered {
				bound = 1
			}
			gauge(trunkBound, bound, t.Name)
		}
		for _, g := range t.Gateways {
			up := 0.0
			switch g.State {
			case trunk.Up:
				up = 1
			case trunk.Unknown:
				up = -1
			}
			gauge(gatewayUp, up, t.Name, g.Name)
			if g.RoundTrip > 0 {
				gauge(gatewayRTT, g.RoundTrip.Seconds(), t.Name, g.Name)
			}
		}
	}
}

// workerMetrics reads the workers at every scrape.
type workerMetrics struct{ runner *jobs.Runner }

func (m workerMetrics) Describe(out chan<- *prometheus.Desc) { prometheus.DescribeByCollect(m, out) }

func (m workerMetrics) Collect(out chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, n int64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n))
	}
	stats := m.runner.Stats()
	counter(deadlinesSum, stats.Deadlines)
	counter(sweepsSum, stats.Sweeps)
	counter(epochsSum, stats.Epochs)
	up := 1.0
	if stats.QueueDown {
		up = 0
	}
	out <- prometheus.MustNewConstMetric(queueUp, prometheus.GaugeValue, up)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	owed, err := m.runner.Backlog(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(owedNow, err)
		return
	}
	for topic, n := range owed {
		out <- prometheus.MustNewConstMetric(owedNow, prometheus.GaugeValue, float64(n), topic)
	}
	oldest, err := m.runner.Owed(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(oldestOwed, err)
		return
	}
	for topic, since := range oldest {
		out <- prometheus.MustNewConstMetric(oldestOwed, prometheus.GaugeValue, max(0, time.Since(since).Seconds()), topic)
	}
}
