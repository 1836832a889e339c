package ticketing

import (
	"fmt"
	"slices"
	"strings"
)

// Reach is how far a right goes, always within the user's own partition.
type Reach string

// The reaches. A user of the centre with lines or a district of the own (see
// [Bounds]) has these alone where it says centre.
const (
	ReachNone       Reach = ""
	ReachOwn        Reach = "own"        // what the user made, handles or is on
	ReachDepartment Reach = "department" // of the own department and those below it
	ReachCentre     Reach = "centre"     // all of the partition
	ReachUsers      Reach = "users"      // entries on users, systems, citizens and the auditor
	ReachAdmins     Reach = "admins"     // entries on the system and the security administrator
)

// Right is something that roles may do to a kind of object.
type Right struct {
	Name    string // object.verb
	Zh, En  string
	Holders map[Role]Reach
}

// Names of rights.
const (
	RightTicketRead    = "ticket.read"
	RightTicketOpen    = "ticket.open"
	RightTicketReads   = "ticket.reads"
	RightPersonReveal  = "person.reveal"
	RightPersonErase   = "person.erase"
	RightTicketHold    = "ticket.hold"
	RightRetention     = "retention.read"
	RightTicketExport  = "ticket.export"
	RightFigures       = "figures.read"
	RightCentre        = "centre.read"
	RightCallAct       = "call.act"
	RightCallReadAll   = "call.read_all"
	RightCallLead      = "call.lead"
	RightCallSupervise = "call.supervise"
	RightRecording     = "recording.listen"
	RightRecordingAny  = "recording.listen_all"
	RightSeatStatus    = "seat.status"
	RightAnnounce      = "announcement.make"
	RightCatalogue     = "catalogue.change"
	RightSurvey        = "survey.call"
	RightUserRead      = "user.read"
	RightUserMake      = "user.make"
	RightUserGrant     = "user.grant"
	RightHotspots      = "hotspot.read"
	RightHotspotAct    = "hotspot.act"
	RightLedgerRead    = "ledger.read"
	RightLedgerWatch   = "ledger.watch"
)

func holders(reach Reach, roles ...Role) map[Role]Reach {
	m := map[Role]Reach{}
	for _, r := range roles {
		m[r] = reach
	}
	return m
}

func and(maps ...map[Role]Reach) map[Role]Reach {
	all := map[Role]Reach{}
	for _, m := range maps {
		for r, reach := range m {
			all[r] = reach
		}
	}
	return all
}

// Rights is the one table of who may do what to which objects; actions on
// tickets have a finer one, [Transitions], within ticket.read.
func Rights() []Right {
	centre := holders(ReachCentre, RoleAgent, RoleLead, RoleDispatcher, RoleQC, RoleFollowUp, RoleSupervisor, RoleAnalyst, RoleAdmin)
	units := holders(ReachDepartment, RoleClerk, RoleHead)
	floor := holders(ReachCentre, RoleLead, RoleSupervisor, RoleAdmin)
	return []Right{
		{RightTicketRead, "查看工单（个人信息脱敏）及其历史、时限、附件", "read tickets, the person masked, with history, limits and files", and(centre, units)},
		{RightTicketOpen, "新建工单", "open tickets", holders(ReachCentre, RoleAgent, RoleLead)},
		{RightPersonReveal, "查看诉求人信息（留痕）", "see the citizen unmasked, on record; never of a confidential ticket for a department",
			and(holders(ReachCentre, RoleAgent, RoleLead, RoleDispatcher, RoleQC, RoleFollowUp, RoleSupervisor), units)},
		{RightPersonErase, "依法删除诉求人信息（留痕）", "erase a citizen for good, on record, once nothing is open", holders(ReachCentre, RoleSupervisor)},
		{RightTicketHold, "证据保全：工单及其录音不得删除", "hold a ticket and its recordings as evidence: nothing of it is erased", holders(ReachCentre, RoleSupervisor)},
		{RightTicketExport, "导出工单（注明用途、脱敏、加水印、留痕）", "export tickets for a purpose: masked, marked with the viewer, on record",
			and(holders(ReachCentre, RoleLead, RoleSupervisor, RoleAnalyst), holders(ReachDepartment, RoleHead))},
		{RightRetention, "查看保管期限和销毁报告", "see for how long what is kept, and the reports of what was taken out", holders(ReachCentre, RoleSupervisor, RoleAdmin, RoleSecAdmin, RoleAuditor)},
		{RightTicketReads, "查看谁看过该工单", "see who looked at a ticket",
			and(holders(ReachCentre, RoleLead, RoleQC, RoleSupervisor, RoleAdmin), holders(ReachUsers, RoleSecAdmin, RoleAuditor))},
		{RightFigures, "查看统计", "read figures of tickets", and(centre, units)},
		{RightHotspots, "查看热点预警", "read alerts of the early warning", holders(ReachCentre, RoleLead, RoleDispatcher, RoleSupervisor, RoleAnalyst)},
		{RightHotspotAct, "处置热点预警：核实、处置、关闭、判为误报", "verify, handle, close an alert, or call it false", holders(ReachCentre, RoleSupervisor, RoleAnalyst)},
		{RightCentre, "查看话务、队列、排班和话务统计", "read seats, queues, rosters and figures of calls", centre},
		{RightSeatStatus, "切换本人坐席状态", "say whether one takes calls",
			holders(ReachOwn, RoleAgent, RoleLead, RoleFollowUp)},
		{RightCallAct, "操作通话", "act on calls", and(holders(ReachOwn, RoleAgent), floor)},
		{RightCallReadAll, "查看全部通话记录", "read all records of calls, not only the own",
			holders(ReachCentre, RoleLead, RoleQC, RoleSupervisor, RoleAnalyst, RoleAdmin, RoleDispatcher, RoleFollowUp)},
		{RightCallLead, "管理坐席、骚扰名单、排班、外呼活动", "lead seats: status, skills, blocks, rosters, campaigns", floor},
		{RightCallSupervise, "监听、密语、强插、强拆", "monitor, whisper, barge and take over", holders(ReachCentre, RoleLead, RoleQC, RoleSupervisor)},
		{RightRecording, "收听录音（留痕）", "listen to recordings, on record",
			and(holders(ReachOwn, RoleAgent), holders(ReachCentre, RoleLead, RoleQC, RoleSupervisor))},
		{RightRecordingAny, "收听他人录音", "listen to recordings of others' calls", holders(ReachCentre, RoleLead, RoleQC, RoleSupervisor)},
		{RightAnnounce, "发布线路公告", "put announcements on lines", floor},
		{RightCatalogue, "修改派单目录、地名库和词典", "change the dispatch catalogue, the gazetteer and the dictionary", holders(ReachCentre, RoleAdmin, RoleLead, RoleDispatcher)},
		{RightUserRead, "查看账号", "read accounts", holders(ReachCentre, RoleAdmin, RoleSecAdmin, RoleAuditor)},
		{RightUserMake, "建立、停用账号，不授权", "make accounts and switch them off, granting nothing", holders(ReachCentre, RoleAdmin)},
		{RightUserGrant, "授权、发放密码、结束会话、管理接口密钥", "grant roles, issue passwords, end sessions, keys of systems", holders(ReachCentre, RoleSecAdmin)},
		{RightLedgerRead, "查看操作台账", "read the ledger", and(holders(ReachUsers, RoleSecAdmin), holders(ReachAdmins, RoleAuditor))},
		{RightLedgerWatch, "查看异常查阅", "read unusual reading", holders(ReachUsers, RoleAuditor)},
	}
}

// rightsByName is Rights for looking up.
var rightsByName = func() map[string]Right {
	m := map[string]Right{}
	for _, r := range Rights() {
		m[r.Name] = r
	}
	return m
}()

// RightNamed finds a right; the zero Right, which nobody holds, when there is none.
func RightNamed(name string) Right { return rightsByName[name] }

// Roles lists the holders of a right in the order of [GrantableRoles].
func (r Right) Roles() []Role {
	return slices.DeleteFunc(GrantableRoles(), func(role Role) bool { return r.Holders[role] == ReachNone })
}

// May tells whether the actor holds a right, however far it reaches. The
// platform itself holds every one.
func (a Actor) May(name string) bool {
	return a.Has(RoleSystem) || slices.ContainsFunc(a.Roles, func(r Role) bool { return rightsByName[name].Holders[r] != ReachNone })
}

// Reaches tells whether the actor holds a right as far as a reach.
func (a Actor) Reaches(name string, reach Reach) bool {
	return a.Has(RoleSystem) || slices.ContainsFunc(a.Roles, func(r Role) bool { return rightsByName[name].Holders[r] == reach })
}

// RightsMarkdown renders the table for the docs.
func RightsMarkdown() string {
	var b strings.Builder
	roles := GrantableRoles()
	b.WriteString("| right | 权限 | what |")
	for _, r := range roles {
		fmt.Fprintf(&b, " %s |", r)
	}
	b.WriteString("\n|---|---|---|" + strings.Repeat("---|", len(roles)) + "\n")
	for _, r := range Rights() {
		fmt.Fprintf(&b, "| `%s` | %s | %s |", r.Name, r.Zh, r.En)
		for _, role := range roles {
			reach := string(r.Holders[role])
			if reach == "" {
				reach = "–"
			}
			fmt.Fprintf(&b, " %s |", reach)
		}
		b.WriteString("\n")
	}
	return b.String()
}
