package ticketing

// Valid tells whether it is one of the six types.
func (t AppealType) Valid() bool {
	switch t {
	case Inquiry, Help, Complaint, Report, Suggestion, Praise:
		return true
	}
	return false
}

// Valid tells whether it is one of the three levels.
func (u Urgency) Valid() bool { return u == Normal || u == Urgent || u == Critical }

// Valid tells whether it is a known way of intake.
func (c Channel) Valid() bool {
	return c == ByPhone || c == ByWeb || c == ByWeChat || c == ByAPI
}

// Zh is the field's Chinese term.
func (t AppealType) Zh() string {
	switch t {
	case Inquiry:
		return "咨询"
	case Help:
		return "求助"
	case Complaint:
		return "投诉"
	case Report:
		return "举报"
	case Suggestion:
		return "建议"
	case Praise:
		return "表扬"
	}
	return string(t)
}

// Zh is the field's Chinese term.
func (s State) Zh() string {
	switch s {
	case Draft:
		return "待受理"
	case Accepted:
		return "待派单"
	case Dispatched:
		return "待签收"
	case InProgress:
		return "办理中"
	case InReview:
		return "办结审核"
	case FollowUp:
		return "待回访"
	case Closed:
		return "已办结"
	case Archived:
		return "已归档"
	case Suspended:
		return "挂起"
	case Merged:
		return "已并单"
	case Cancelled:
		return "已撤单"
	}
	return string(s)
}

// Final tells whether the ticket's clocks and scores are frozen.
func (s State) Final() bool {
	return s == Closed || s == Archived || s == Merged || s == Cancelled
}

// Zh is the field's Chinese term.
func (a Action) Zh() string {
	switch a {
	case ActEdit:
		return "修改"
	case ActAccept:
		return "受理"
	case ActAnswer:
		return "直接答复"
	case ActDispatch:
		return "派单"
	case ActSign:
		return "签收"
	case ActContact:
		return "联系诉求人"
	case ActResolve:
		return "办结"
	case ActApproveReview:
		return "审核通过"
	case ActRejectReview:
		return "审核退回"
	case ActFollowUp:
		return "回访"
	case ActCancel:
		return "撤单"
	}
	return string(a)
}
