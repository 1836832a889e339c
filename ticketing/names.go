package ticketing

import "slices"

// Valid tells whether it is one of the six types.
func (t AppealType) Valid() bool { return slices.Contains(AppealTypes(), t) }

// AppealTypes are the six.
func AppealTypes() []AppealType {
	return []AppealType{Inquiry, Help, Complaint, Report, Suggestion, Praise}
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
func (k RecordKind) Zh() string {
	switch k {
	case RecordReturn:
		return "退单"
	case RecordExtension:
		return "延期"
	case RecordSuspension:
		return "挂起"
	case RecordCoHandling:
		return "会办"
	case RecordUrge:
		return "催办"
	case RecordSupervision:
		return "督办"
	case RecordDispute:
		return "争议"
	case RecordMerge:
		return "并单"
	case RecordSplit:
		return "拆单"
	case RecordLink:
		return "关联"
	case RecordReopening:
		return "重办"
	case RecordWithdrawal:
		return "撤单申请"
	case RecordRating:
		return "评价"
	case RecordRectification:
		return "整改"
	case RecordAppeal:
		return "考核申诉"
	case RecordRelabelling:
		return "改类"
	}
	return string(k)
}
