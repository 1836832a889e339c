package sla

import (
	"fmt"
	"time"

	"hotline/ticketing"
)

// maxDaySteps bounds how many days a derivation lists one by one.
const maxDaySteps = 40

var clockWords = map[ticketing.ClockName][2]string{
	ticketing.ClockAccept:     {"受理", "acceptance"},
	ticketing.ClockDispatch:   {"派单", "dispatch"},
	ticketing.ClockSign:       {"签收", "sign"},
	ticketing.ClockContact:    {"联系诉求人", "contact"},
	ticketing.ClockReturn:     {"退单", "return"},
	ticketing.ClockResolve:    {"办结", "resolve"},
	ticketing.ClockFollowUp:   {"回访", "follow-up"},
	ticketing.ClockRectify:    {"整改", "rectify"},
	ticketing.ClockSupervise:  {"督办", "supervision"},
	ticketing.ClockLevel:      {"下级办结", "level"},
	ticketing.ClockShareSign:  {"协办签收", "assistant's sign"},
	ticketing.ClockShare:      {"协办答复", "assistant's answer"},
	ticketing.ClockSuspension: {"挂起", "suspension"},
}

var eventWords = map[string][2]string{
	ticketing.EventFiled:            {"网上提交", "online filing"},
	ticketing.EventAccepted:         {"受理", "acceptance"},
	ticketing.EventSplitOff:         {"拆单", "split"},
	ticketing.EventDispatched:       {"派单", "dispatch"},
	ticketing.EventRuled:            {"裁定派单", "ruling"},
	ticketing.EventDispatchedDown:   {"下派", "dispatch to the level below"},
	ticketing.EventSigned:           {"签收", "signature"},
	ticketing.EventContacted:        {"联系诉求人", "contact"},
	ticketing.EventResolved:         {"办结答复", "reply"},
	ticketing.EventReviewApproved:   {"审核通过", "approval of the reply"},
	ticketing.EventFollowedUp:       {"回访完成", "follow-up"},
	ticketing.EventReopened:         {"重办", "reopening"},
	ticketing.EventRated:            {"评价", "rating"},
	ticketing.EventRectified:        {"整改完成", "rectification"},
	ticketing.EventReturnRequested:  {"申请退单", "request for return"},
	ticketing.EventReturned:         {"退单", "return"},
	ticketing.EventReturnedUp:       {"退回上级", "return to the level above"},
	ticketing.EventSuspended:        {"挂起", "suspension"},
	ticketing.EventResumed:          {"恢复办理", "resumption"},
	ticketing.EventCoHandled:        {"会办", "co-handling"},
	ticketing.EventShareSigned:      {"协办签收", "assistant's signature"},
	ticketing.EventShareAnswered:    {"协办答复", "assistant's answer"},
	ticketing.EventShareEnded:       {"终止协办", "end of the share"},
	ticketing.EventSupervised:       {"督办", "supervision"},
	ticketing.EventSupervisionEnded: {"结束督办", "end of the supervision"},
	ticketing.EventMerged:           {"并单", "merge"},
	ticketing.EventMergedAnswered:   {"主单答复", "main ticket's reply"},
	ticketing.EventAnswered:         {"直接答复", "direct answer"},
	ticketing.EventReferred:         {"告知", "referral"},
	ticketing.EventCancelled:        {"撤单", "cancellation"},
}

var weekdays = [7]string{"日", "一", "二", "三", "四", "五", "六"}

// steps tells why a clock is due when it is, in words that a clerk understands.
func (k *Keeper) steps(r run, c ticketing.Clock) []ticketing.Step {
	began, clock := eventWords[r.startedBy], clockWords[r.name]
	start := r.startedAt.In(Zone)
	steps := []ticketing.Step{{
		Zh: fmt.Sprintf("%s时限自%s(第 %d 版)起算:%s", clock[0], began[0], r.startedV, zhMoment(start)),
		En: fmt.Sprintf("the %s clock starts with %s (version %d): %s", clock[1], began[1], r.startedV, enMoment(start)),
	}}
	if r.fixed.IsZero() {
		steps = append(steps, k.limitSteps(r, c)...)
	} else {
		steps = append(steps, ticketing.Step{Zh: "期限由审批人或督办人指定", En: "the moment was set by whoever decided"})
	}
	steps = append(steps, ticketing.Step{Zh: "到期:" + zhMoment(c.DueAt), En: "due: " + enMoment(c.DueAt)})
	if c.Quiet {
		steps = append(steps, ticketing.Step{Zh: "已并单:由主单预警和升级", En: "merged: the main ticket warns and escalates"})
	}
	if !r.stoppedAt.IsZero() {
		ended := eventWords[r.stoppedBy]
		steps = append(steps, ticketing.Step{
			Zh: fmt.Sprintf("%s时停止:%s", ended[0], zhMoment(r.stoppedAt.In(Zone))),
			En: fmt.Sprintf("stopped by %s: %s", ended[1], enMoment(r.stoppedAt.In(Zone))),
		})
	}
	return steps
}

// limitSteps derives a limit that the policy gives.
func (k *Keeper) limitSteps(r run, c ticketing.Clock) []ticketing.Step {
	rule, number := k.policy.rule(r.name, r.facts, r.level)
	count := k.count(r, rule)
	steps := []ticketing.Step{{
		Zh: fmt.Sprintf("政策第 %d 版第 %d 条:%s", k.policy.Version, number, zhLimit(rule.Limit)),
		En: fmt.Sprintf("policy version %d, rule %d: %s", k.policy.Version, number, enLimit(rule.Limit)),
	}}
	if r.name == ticketing.ClockResolve {
		steps = append(steps, ticketing.Step{
			Zh: fmt.Sprintf("批准延期 %d 次,挂起 %d 次", len(r.extensions), len(r.pauses)),
			En: fmt.Sprintf("%d extensions and %d suspensions were approved", len(r.extensions), len(r.pauses)),
		})
	}
	for _, p := range r.pauses {
		steps = append(steps, pauseStep(p))
	}
	due := count.Due(r.startedAt, rule.Limit, k.policy.Convention)
	if rule.AnyHour || rule.Limit.Unit == Day {
		steps = append(steps, ticketing.Step{Zh: "全天候连续计时,节假日不停", En: "runs day and night, holidays included"})
	} else {
		steps = append(steps, k.calendarStep(rule))
		steps = append(steps, k.daySteps(r.startedAt.In(Zone), due, rule, count)...)
	}
	for _, e := range r.extensions {
		due = k.count(r, Rule{}).Due(due, Limit{N: e.days, Unit: WorkingDay}, k.policy.Convention)
		steps = append(steps, ticketing.Step{
			Zh: fmt.Sprintf("第 %d 版批准延期 %d 个工作日:延至 %s", e.version, e.days, zhMoment(due)),
			En: fmt.Sprintf("extended by %d working days in version %d: to %s", e.days, e.version, enMoment(due)),
		})
	}
	if c.DueAt.Before(due) {
		steps = append(steps, ticketing.Step{Zh: "不得晚于整单办结时限", En: "not later than the limit of the whole"})
	}
	return steps
}

func pauseStep(p pause) ticketing.Step {
	zh, en := "挂起不计时(第 %d 版):%s 至 %s", "does not run while suspended (version %d): %s to %s"
	if p.open {
		zh, en = "挂起中,暂计至批准期限(第 %d 版):%s 至 %s", "suspended now; counted until the approved moment (version %d): %s to %s"
	}
	return ticketing.Step{
		Zh: fmt.Sprintf(zh, p.version, zhMoment(p.From), zhMoment(p.To)), En: fmt.Sprintf(en, p.version, enMoment(p.From), enMoment(p.To)),
	}
}

func (k *Keeper) calendarStep(rule Rule) ticketing.Step {
	daily := k.calendar.daily
	if rule.Limit.Unit == WorkingDay && k.policy.Convention == NthDay {
		return ticketing.Step{
			Zh: fmt.Sprintf("日历第 %d 版:起算当日不计,第 %d 个工作日下班时到期", k.calendar.version, rule.Limit.N),
			En: fmt.Sprintf("calendar version %d: the day of the start does not count; due at closing time of working day %d", k.calendar.version, rule.Limit.N),
		}
	}
	return ticketing.Step{
		Zh: fmt.Sprintf("日历第 %d 版:每个工作日 %d 分钟,共 %d 分钟工作时间", k.calendar.version, int(daily.Minutes()), int(rule.Limit.Duration(daily).Minutes())),
		En: fmt.Sprintf("calendar version %d: %d minutes a working day, %d working minutes in all", k.calendar.version, int(daily.Minutes()), int(rule.Limit.Duration(daily).Minutes())),
	}
}

// daySteps lists the days from start to due: what each used up, or why it did not count.
func (k *Keeper) daySteps(start, due time.Time, rule Rule, count Count) []ticketing.Step {
	var steps []ticketing.Step
	nth := rule.Limit.Unit == WorkingDay && k.policy.Convention == NthDay
	counted := 0
	first, last := dayNumber(start), dayNumber(due)
	for day := first; day <= last; day++ {
		if len(steps) == maxDaySteps {
			return append(steps, ticketing.Step{
				Zh: fmt.Sprintf("……另有 %d 天", last-day+1), En: fmt.Sprintf("… and %d more days", last-day+1),
			})
		}
		at := dateOf(day)
		zh, en := k.dayWords(at)
		switch {
		case !k.calendar.workday(day):
		case nth && day == first:
			zh, en = zh+" 起算当日不计", en+" day of the start"
		case !count.counts(day):
			zh, en = zh+" 全天挂起不计", en+" suspended all day"
		case nth:
			counted++
			zh, en = fmt.Sprintf("%s 第 %d 个工作日", zh, counted), fmt.Sprintf("%s working day %d", en, counted)
		default:
			used := int(count.Between(later(start, at), earlier(due, at.AddDate(0, 0, 1))).Minutes())
			zh, en = fmt.Sprintf("%s 用 %d 分钟", zh, used), fmt.Sprintf("%s %d minutes", en, used)
		}
		steps = append(steps, ticketing.Step{Zh: zh, En: en})
	}
	return steps
}

// dayWords names a day and, where it is not an ordinary working day, why.
func (k *Keeper) dayWords(at time.Time) (zh, en string) {
	zh = fmt.Sprintf("%s 周%s", at.Format("01-02"), weekdays[at.Weekday()])
	en = at.Format("Mon 2 Jan")
	name := k.calendar.Name(at)
	switch work := k.calendar.Workday(at); {
	case work && name != "":
		zh, en = zh+" "+name+"调休上班", en+" make-up workday"
	case !work && name != "":
		zh, en = zh+" "+name+"放假", en+" public holiday"
	case !work:
		zh, en = zh+" 休息", en+" day off"
	}
	if k.calendar.Provisional(at) {
		zh, en = zh+"(当年日历暂定)", en+" (calendar of the year is provisional)"
	}
	return zh, en
}

func zhMoment(t time.Time) string {
	t = t.In(Zone)
	return fmt.Sprintf("%s 周%s %s", t.Format("2006-01-02"), weekdays[t.Weekday()], t.Format("15:04:05"))
}

func enMoment(t time.Time) string { return t.In(Zone).Format("Mon 2 Jan 2006 15:04:05") }

func zhLimit(l Limit) string {
	return fmt.Sprintf("%d %s", l.N, map[Unit]string{Minute: "分钟", Hour: "小时", Day: "个自然日", WorkingDay: "个工作日"}[l.Unit])
}

func enLimit(l Limit) string {
	return fmt.Sprintf("%d %s", l.N, map[Unit]string{Minute: "minutes", Hour: "hours", Day: "natural days", WorkingDay: "working days"}[l.Unit])
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}
