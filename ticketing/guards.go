package ticketing

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Guard is a condition of a move beyond state and role. Check answers nil when it holds.
type Guard struct {
	Name  string // for the table in the docs
	Check func(Case) *Reason
}

// words is a kind of record in a sentence.
func words(k RecordKind) string { return strings.ReplaceAll(string(k), "_", "-") }

// a puts the article before a kind of record.
func a(k RecordKind) string {
	if strings.ContainsRune("aeiu", rune(k[0])) {
		return "an " + words(k)
	}
	return "a " + words(k)
}

func notYours() *Reason {
	return &Reason{Zh: "工单不在您的单位", En: "the ticket is not with your department"}
}

func ownDepartment(c Case) *Reason {
	if c.Actor.Department != "" && c.Actor.Department == c.Ticket.Department {
		return nil
	}
	return notYours()
}

func guardOwnDepartment() Guard {
	return Guard{Name: "the ticket is with the actor's department", Check: ownDepartment}
}

func guardOwnOrCentre() Guard {
	return Guard{
		Name: "a department acts on its own tickets",
		Check: func(c Case) *Reason {
			if c.Actor.Department == "" {
				return nil
			}
			return ownDepartment(c)
		},
	}
}

func guardComplete() Guard {
	return Guard{
		Name: "type, title and category are filled in",
		Check: func(c Case) *Reason {
			switch a := c.Ticket.Appeal; {
			case !a.Type.Valid():
				return &Reason{Zh: "请先选择诉求类型", En: "choose the type of appeal first"}
			case strings.TrimSpace(a.Title) == "":
				return &Reason{Zh: "请先填写标题", En: "fill in the title first"}
			case a.Category == "":
				return &Reason{Zh: "请先选择诉求分类", En: "choose the category first"}
			}
			return nil
		},
	}
}

func guardHops() Guard {
	return Guard{
		Name: "fewer returns than the hop limit",
		Check: func(c Case) *Reason {
			if c.Actor.Has(RoleSystem) && !c.Actor.hasAny(dispatchRoles) && c.Ticket.Hops() > 0 {
				return &Reason{Zh: "退回的工单由派单员派单", En: "a ticket that was returned is dispatched by a person"}
			}
			if hops := c.Ticket.Hops(); hops >= c.Process.HopLimit {
				return &Reason{
					Zh: fmt.Sprintf("已退单 %d 次，须由班长或督办员终裁指定", hops),
					En: fmt.Sprintf("it was returned %d times; a lead or supervisor has to designate the department", hops),
				}
			}
			return nil
		},
	}
}

func guardUndo() Guard {
	return Guard{
		Name: "dispatched by a person of the centre and not signed",
		Check: func(c Case) *Reason {
			n := len(c.Ticket.Assignments)
			switch {
			case n == 0 || c.Ticket.Assignments[n-1].From != "":
				return &Reason{Zh: "下派的工单由下派单位收回", En: "what a department gave on is taken back by that department"}
			case c.Ticket.Designated:
				return &Reason{Zh: "终裁指定不能撤回", En: "a designation cannot be undone"}
			case requested(c.Ticket):
				return &Reason{Zh: "有待审批的申请，请先处理", En: "a request waits for its decision; decide it first"}
			}
			return nil
		},
	}
}

func requested(t Ticket) bool {
	return slices.ContainsFunc(t.Records, func(r Record) bool { return r.State == RecordRequested && r.Kind != RecordWithdrawal })
}

// guardFree holds while no return or suspension waits for its decision: the
// matter cannot be given back and answered at once.
func guardFree() Guard {
	return Guard{
		Name: "the ticket is with the actor's department and no return or suspension waits for a decision",
		Check: func(c Case) *Reason {
			if why := ownDepartment(c); why != nil {
				return why
			}
			for _, kind := range []RecordKind{RecordReturn, RecordSuspension} {
				if c.Ticket.pending(kind) != nil {
					return &Reason{
						Zh: kind.Zh() + "申请待审批，请等待或先撤回申请",
						En: a(kind) + " waits for its decision; wait, or withdraw the request",
					}
				}
			}
			return nil
		},
	}
}

func guardReturn() Guard {
	return Guard{
		Name: "own department, not designated, no return waits, within the return limit",
		Check: func(c Case) *Reason {
			if why := ownDepartment(c); why != nil {
				return why
			}
			if c.Ticket.Designated {
				return &Reason{Zh: "已终裁指定，不得退单", En: "the department was designated for good; it cannot be returned"}
			}
			if c.Ticket.pending(RecordReturn) != nil {
				return &Reason{Zh: "已有退单申请待审批", En: "a return waits for its decision"}
			}
			for _, clock := range c.Ticket.Clocks {
				if clock.Name == ClockReturn && !clock.DueAt.IsZero() && c.Now.After(clock.DueAt) {
					return &Reason{Zh: "已过退单时限，须予办理", En: "the time for a return has passed; the matter has to be handled"}
				}
			}
			return nil
		},
	}
}

func guardExtension() Guard {
	return Guard{
		Name: "own department, none waits, the limit has not passed, days are left",
		Check: func(c Case) *Reason {
			if why := ownDepartment(c); why != nil {
				return why
			}
			switch left := c.Ticket.extensionLeft(c.Process); {
			case c.Ticket.pending(RecordExtension) != nil:
				return &Reason{Zh: "已有延期申请待审批", En: "an extension waits for its decision"}
			case left <= 0:
				return &Reason{
					Zh: fmt.Sprintf("延期累计已达 %d 个工作日", c.Process.ExtensionDays),
					En: fmt.Sprintf("extensions add up to %d working days already", c.Process.ExtensionDays),
				}
			}
			for _, clock := range c.Ticket.Clocks {
				if clock.Name == ClockResolve && !clock.DueAt.IsZero() && c.Now.After(clock.DueAt) {
					return &Reason{Zh: "办结时限已过，不能再申请延期", En: "the limit has passed; it cannot be extended any more"}
				}
			}
			return nil
		},
	}
}

// extensionLeft is how many working days may still be asked for in this round.
func (t *Ticket) extensionLeft(p Process) int {
	left := p.ExtensionDays
	for _, r := range t.round() {
		if r.Kind == RecordExtension && r.State == RecordApproved {
			left -= r.Days
		}
	}
	return left
}

// round is the records since the ticket was reopened last, or all.
func (t *Ticket) round() []Record {
	for i := len(t.Records) - 1; i >= 0; i-- {
		if t.Records[i].Kind == RecordReopening {
			return t.Records[i+1:]
		}
	}
	return t.Records
}

func guardSuspension() Guard {
	return Guard{
		Name: "own department, none waits, not suspended too often",
		Check: func(c Case) *Reason {
			if why := ownDepartment(c); why != nil {
				return why
			}
			if c.Ticket.pending(RecordSuspension) != nil {
				return &Reason{Zh: "已有挂起申请待审批", En: "a suspension waits for its decision"}
			}
			if n := c.Ticket.Count(RecordSuspension, RecordApproved, RecordDone); n >= c.Process.Suspensions {
				return &Reason{Zh: fmt.Sprintf("已挂起 %d 次", n), En: fmt.Sprintf("it was suspended %d times already", n)}
			}
			return nil
		},
	}
}

func nothingWaits(kind RecordKind) *Reason {
	return &Reason{Zh: "没有待处理的" + kind.Zh(), En: "no " + words(kind) + " waits"}
}

// guardDecide holds when a request waits for the actor's decision.
func guardDecide(kind RecordKind) Guard {
	return Guard{
		Name: a(kind) + " waits for the actor's decision",
		Check: func(c Case) *Reason {
			r := c.Ticket.record(func(r Record) bool { return r.Kind == kind && r.State == RecordRequested })
			switch {
			case r == nil:
				return nothingWaits(kind)
			case r.Decider != c.Actor.Department:
				return &Reason{Zh: "该申请不由您审批", En: "the request is not yours to decide"}
			}
			return nil
		},
	}
}

func guardPending(kind RecordKind, state RecordState) Guard {
	return Guard{
		Name: a(kind) + " is " + string(state),
		Check: func(c Case) *Reason {
			if c.Ticket.Count(kind, state) == 0 {
				return nothingWaits(kind)
			}
			return nil
		},
	}
}

func guardOwnPending(kind RecordKind) Guard {
	return Guard{
		Name: "own department, " + a(kind) + " is open",
		Check: func(c Case) *Reason {
			if why := ownDepartment(c); why != nil {
				return why
			}
			if c.Ticket.Count(kind, RecordOpen) == 0 {
				return nothingWaits(kind)
			}
			return nil
		},
	}
}

func guardNone(kind RecordKind) Guard {
	return Guard{
		Name: "no " + words(kind) + " is open",
		Check: func(c Case) *Reason {
			if c.Ticket.pending(kind) != nil {
				return &Reason{Zh: "已有" + kind.Zh() + "，尚未结束", En: a(kind) + " is open already"}
			}
			return nil
		},
	}
}

func guardOwnRequest() Guard {
	return Guard{
		Name: "the actor's department has a request that waits",
		Check: func(c Case) *Reason {
			if ownRequest(c.Ticket, c.Actor.Department) == nil {
				return &Reason{Zh: "贵单位没有待审批的申请", En: "your department has no request that waits"}
			}
			return nil
		},
	}
}

func ownRequest(t Ticket, department string) *Record {
	if department == "" {
		return nil
	}
	return t.record(func(r Record) bool { return r.State == RecordRequested && r.Department == department })
}

func guardShare(signed bool) Guard {
	name := "the actor's department assists and has not signed"
	if signed {
		name = "the actor's department assists and has signed"
	}
	return Guard{
		Name: name,
		Check: func(c Case) *Reason {
			r := c.Ticket.Share(c.Actor.Department)
			switch {
			case r == nil:
				return &Reason{Zh: "贵单位没有待办的协办任务", En: "your department has no share in this ticket that is open"}
			case signed && r.SignedAt.IsZero():
				return &Reason{Zh: "请先协办签收", En: "sign the share first"}
			case !signed && !r.SignedAt.IsZero():
				return &Reason{Zh: "已协办签收", En: "the share is signed already"}
			}
			return nil
		},
	}
}

func guardUrge() Guard {
	return Guard{
		Name: "a citizen urges once in a while",
		Check: func(c Case) *Reason {
			if !c.Actor.Has(RoleCitizen) {
				return nil
			}
			wait := time.Duration(c.Process.CitizenUrgeHours) * time.Hour
			for _, r := range c.Ticket.Records {
				if r.Kind == RecordUrge && r.By == "citizen" && c.Now.Sub(r.At) < wait {
					return &Reason{
						Zh: fmt.Sprintf("%d 小时内已催办过，请稍后再试", c.Process.CitizenUrgeHours),
						En: fmt.Sprintf("urged within the last %d hours already; try again later", c.Process.CitizenUrgeHours),
					}
				}
			}
			return nil
		},
	}
}

func guardParty() Guard {
	return Guard{
		Name: "the actor's department is a party of an open dispute",
		Check: func(c Case) *Reason {
			r := c.Ticket.pending(RecordDispute)
			if r == nil || !slices.Contains(r.Departments, c.Actor.Department) {
				return &Reason{Zh: "贵单位不是争议当事方", En: "your department is not a party of a dispute about this ticket"}
			}
			return nil
		},
	}
}

func guardMerge() Guard {
	return Guard{
		Name: "no request waits and no other ticket was merged into it",
		Check: func(c Case) *Reason {
			if requested(c.Ticket) {
				return &Reason{Zh: "有待审批的申请，请先处理", En: "a request waits for its decision; decide it first"}
			}
			if c.Ticket.record(joined) != nil {
				return &Reason{Zh: "已有工单并入本单，请将它们改并入另一单", En: "others were merged into this one; it is a main ticket itself"}
			}
			return nil
		},
	}
}

// guardReviewer holds for whoever is next to approve the reply.
func guardReviewer() Guard {
	return Guard{
		Name: "the review is at the actor's stage",
		Check: func(c Case) *Reason {
			switch stage := c.Ticket.ReviewBy; {
			case stage == c.Actor.Department:
				return nil
			case stage == "":
				return &Reason{Zh: "单位已审核，待中心审核", En: "the department has approved; the centre is next"}
			case c.Actor.Department == "":
				return &Reason{Zh: "待承办单位负责人审核", En: "the head of the department approves first"}
			default:
				return &Reason{Zh: "不由贵单位审核", En: "the review is not at your department"}
			}
		},
	}
}

func guardReopen() Guard {
	return Guard{
		Name: "closed not too long ago, and after a department's reply",
		Check: func(c Case) *Reason {
			switch {
			case c.Ticket.Department == "":
				return &Reason{Zh: "该工单未经单位办理，请另建工单", En: "no department handled it; open a new ticket"}
			case c.Now.Sub(c.Ticket.ClosedAt) > time.Duration(c.Process.ReopenWithinDays)*24*time.Hour:
				return &Reason{
					Zh: fmt.Sprintf("办结已超过 %d 天，请另建工单", c.Process.ReopenWithinDays),
					En: fmt.Sprintf("closed more than %d days ago; open a new ticket", c.Process.ReopenWithinDays),
				}
			}
			return nil
		},
	}
}

func guardArchive() Guard {
	return Guard{
		Name: "closed long enough, nothing is open",
		Check: func(c Case) *Reason {
			if c.Now.Sub(c.Ticket.ClosedAt) < time.Duration(c.Process.ArchiveAfterDays)*24*time.Hour {
				return &Reason{Zh: "办结未满归档期限", En: "not closed for long enough"}
			}
			for _, r := range c.Ticket.Records {
				if r.State.Pending() && r.Kind != RecordLink && r.Kind != RecordMerge && r.Kind != RecordSplit {
					return &Reason{Zh: r.Kind.Zh() + "尚未结束", En: a(r.Kind) + " is open"}
				}
			}
			return nil
		},
	}
}
