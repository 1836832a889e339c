package ticketing

// Action is something a person or the platform does to a ticket.
type Action string

// The actions, by the field's terms.
const (
	ActEdit     Action = "edit"            // 修改
	ActAccept   Action = "accept"          // 受理
	ActAnswer   Action = "answer_directly" // 直接答复
	ActRefer    Action = "refer"           // 告知: told the right way; not for the hotline
	ActCancel   Action = "cancel"          // 撤单
	ActNote     Action = "note"            // 补充
	ActDispatch Action = "dispatch"        // 派单

	ActDesignate    Action = "designate"     // 终裁指定
	ActUndoDispatch Action = "undo_dispatch" // 撤回派单
	ActDispatchDown Action = "dispatch_down" // 下派
	ActSign         Action = "sign"          // 签收
	ActAssign       Action = "assign"        // 指派经办人
	ActContact      Action = "contact"       // 联系诉求人
	ActResolve      Action = "resolve"       // 办结

	ActRequestReturn Action = "request_return" // 申请退单
	ActApproveReturn Action = "approve_return" // 同意退单
	ActRefuseReturn  Action = "refuse_return"  // 驳回退单

	ActRequestExtension Action = "request_extension" // 申请延期
	ActApproveExtension Action = "approve_extension" // 同意延期
	ActRefuseExtension  Action = "refuse_extension"  // 驳回延期

	ActRequestSuspension Action = "request_suspension" // 申请挂起
	ActApproveSuspension Action = "approve_suspension" // 同意挂起
	ActRefuseSuspension  Action = "refuse_suspension"  // 驳回挂起
	ActResume            Action = "resume"             // 恢复办理

	ActRequestCoHandling Action = "request_co_handling" // 申请会办
	ActApproveCoHandling Action = "approve_co_handling" // 同意会办
	ActRefuseCoHandling  Action = "refuse_co_handling"  // 驳回会办
	ActCoHandle          Action = "co_handle"           // 会办
	ActSignShare         Action = "sign_share"          // 协办签收
	ActAnswerShare       Action = "answer_share"        // 协办答复
	ActEndShare          Action = "end_share"           // 终止协办

	ActUrge           Action = "urge"            // 催办
	ActAnswerUrge     Action = "answer_urge"     // 回复催办
	ActSupervise      Action = "supervise"       // 督办
	ActEndSupervision Action = "end_supervision" // 结束督办

	ActOpenDispute Action = "open_dispute" // 提起争议
	ActStateCase   Action = "state_case"   // 陈述意见
	ActRule        Action = "rule"         // 裁定

	ActMerge        Action = "merge"         // 并单
	ActUnmerge      Action = "unmerge"       // 撤销并单
	ActAnswerMerged Action = "answer_merged" // 并单答复
	ActSplit        Action = "split"         // 拆单
	ActLink         Action = "link"          // 关联
	ActUnlink       Action = "unlink"        // 取消关联

	ActApproveReview Action = "approve_review" // 办结审核通过
	ActRejectReview  Action = "reject_review"  // 办结审核退回

	ActMissFollowUp  Action = "miss_follow_up" // 回访未接通
	ActFollowUp      Action = "follow_up"      // 回访
	ActReopen        Action = "reopen"         // 重办
	ActRate          Action = "rate"           // 评价
	ActRectify       Action = "rectify"        // 整改
	ActAppeal        Action = "appeal"         // 考核申诉
	ActUpholdAppeal  Action = "uphold_appeal"  // 支持申诉
	ActDismissAppeal Action = "dismiss_appeal" // 驳回申诉
	ActArchive       Action = "archive"        // 归档

	ActRequestWithdrawal Action = "request_withdrawal" // 申请撤单
	ActApproveWithdrawal Action = "approve_withdrawal" // 同意撤单
	ActRefuseWithdrawal  Action = "refuse_withdrawal"  // 驳回撤单
	ActWithdrawRequest   Action = "withdraw_request"   // 撤回申请
)

var actionZh = map[Action]string{
	ActEdit: "修改", ActAccept: "受理", ActAnswer: "直接答复", ActRefer: "告知", ActCancel: "撤单", ActNote: "补充", ActDispatch: "派单",
	ActDesignate: "终裁指定", ActUndoDispatch: "撤回派单", ActDispatchDown: "下派", ActSign: "签收", ActAssign: "指派经办人",
	ActContact: "联系诉求人", ActResolve: "办结",
	ActRequestReturn: "申请退单", ActApproveReturn: "同意退单", ActRefuseReturn: "驳回退单",
	ActRequestExtension: "申请延期", ActApproveExtension: "同意延期", ActRefuseExtension: "驳回延期",
	ActRequestSuspension: "申请挂起", ActApproveSuspension: "同意挂起", ActRefuseSuspension: "驳回挂起", ActResume: "恢复办理",
	ActRequestCoHandling: "申请会办", ActApproveCoHandling: "同意会办", ActRefuseCoHandling: "驳回会办", ActCoHandle: "会办",
	ActSignShare: "协办签收", ActAnswerShare: "协办答复", ActEndShare: "终止协办",
	ActUrge: "催办", ActAnswerUrge: "回复催办", ActSupervise: "督办", ActEndSupervision: "结束督办",
	ActOpenDispute: "提起争议", ActStateCase: "陈述意见", ActRule: "裁定",
	ActMerge: "并单", ActUnmerge: "撤销并单", ActAnswerMerged: "并单答复", ActSplit: "拆单", ActLink: "关联", ActUnlink: "取消关联",
	ActApproveReview: "审核通过", ActRejectReview: "审核退回",
	ActMissFollowUp: "回访未接通", ActFollowUp: "回访", ActReopen: "重办", ActRate: "评价", ActRectify: "整改",
	ActAppeal: "考核申诉", ActUpholdAppeal: "支持申诉", ActDismissAppeal: "驳回申诉", ActArchive: "归档",
	ActRequestWithdrawal: "申请撤单", ActApproveWithdrawal: "同意撤单", ActRefuseWithdrawal: "驳回撤单", ActWithdrawRequest: "撤回申请",
}

// Zh is the field's Chinese term.
func (a Action) Zh() string {
	if zh, ok := actionZh[a]; ok {
		return zh
	}
	return string(a)
}
