package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/xuri/excelize/v2"

	"hotline/ticketing"
)

// ExportInput says what is to leave the platform, and why.
type ExportInput struct {
	Purpose     string   `json:"purpose" minLength:"2" maxLength:"500" doc:"What the file is for; on record, and written into it"`
	Format      string   `json:"format,omitempty" enum:"csv,xlsx" default:"xlsx"`
	State       []string `json:"state,omitempty" maxItems:"50"`
	Type        []string `json:"type,omitempty" maxItems:"50"`
	Category    []string `json:"category,omitempty" maxItems:"50" doc:"A node stands for all below it"`
	District    []string `json:"district,omitempty" maxItems:"50" doc:"Likewise"`
	Department  []string `json:"department,omitempty" maxItems:"50" doc:"Likewise"`
	Channel     []string `json:"channel,omitempty" maxItems:"50"`
	From        string   `json:"from,omitempty" format:"date-time" doc:"Created at or after"`
	To          string   `json:"to,omitempty" format:"date-time" doc:"Created before"`
	Description bool     `json:"description,omitempty" doc:"With what the citizens said and were answered"`
}

type exportInput struct{ Body ExportInput }

func (s *Server) exportRoutes() {
	handle(s, operation{
		method: http.MethodPost, path: "/api/v1/tickets/export", id: "export-tickets", tag: "tickets", who: holding(ticketing.RightTicketExport), quiet: true,
		summary:     "Tickets as a file: persons masked, each row marked with who took it out and when",
		description: fmt.Sprintf("At most %d rows, newest first. The ledger has the purpose, the filter and the number of rows.", ticketing.ExportRows),
	}, s.exportTickets)
}

func (s *Server) exportTickets(ctx context.Context, in *exportInput) (*huma.StreamResponse, error) {
	b, who := in.Body, actorOf(ctx)
	def(&b.Format, "xlsx")
	f := ticketing.Filter{
		States: list[ticketing.State](b.State), Types: list[ticketing.AppealType](b.Type), Categories: b.Category, Districts: b.District,
		Departments: b.Department, Channels: list[ticketing.Channel](b.Channel),
	}
	for text, into := range map[string]*time.Time{b.From: &f.From, b.To: &f.To} {
		if text == "" {
			continue
		}
		at, err := time.Parse(time.RFC3339, text) // its format was checked
		if err != nil {
			return nil, byStatus(http.StatusUnprocessableEntity)
		}
		*into = at
	}
	out, err := s.deps.Tickets.ExportTickets(ctx, who, f, b.Purpose)
	if err != nil {
		return nil, err
	}
	mark := watermark(identityOf(ctx).user, out)
	cells := exportTable(out, mark, b)
	name := "tickets-" + out.At.In(shanghai).Format("20060102-150405") + "." + b.Format
	if b.Format == "csv" {
		data, err := csvOf(cells)
		return download(name, csvType, data), err
	}
	data, err := xlsxOf("tickets", &excelize.Panes{Freeze: true, YSplit: 2, TopLeftCell: "A3", ActivePane: "bottomLeft"}, cells, markedPages(mark))
	return download(name, xlsxType, data), err
}

// watermark says who took a file out, when, and by which entry of the ledger.
func watermark(u ticketing.User, out ticketing.Export) string {
	return strings.Join([]string{u.Name, u.Login, out.At.In(shanghai).Format("2006-01-02 15:04:05"), out.ID}, " ")
}

// markedPages has the mark on every page that is printed.
func markedPages(mark string) func(f *excelize.File, sheet string) error {
	text := "&C" + strings.ReplaceAll(clip(mark, 200), "&", "&&")
	return func(f *excelize.File, sheet string) error {
		return f.SetHeaderFooter(sheet, &excelize.HeaderFooterOptions{OddHeader: text, OddFooter: text})
	}
}

// exportTable has the purpose above and the mark in each row: a part that is cut
// out still says where it comes from.
func exportTable(out ticketing.Export, mark string, in ExportInput) [][]any {
	head := []any{
		"编号", "状态", "诉求类型", "标题", "诉求分类", "区划", "承办单位", "渠道", "紧急程度", "诉求人", "联系电话", "登记时间", "受理时间", "办结时间", "归档时间", "满意度",
	}
	if in.Description {
		head = append(head, "诉求内容", "答复")
	}
	head = append(head, "导出标记")
	cells := [][]any{
		{fmt.Sprintf("用途:%s。共 %d 张,导出 %d 张。内部资料,个人信息已脱敏,不得外传。%s", in.Purpose, out.Total, len(out.Tickets), mark)}, head,
	}
	day := func(t time.Time) any {
		if t.IsZero() {
			return ""
		}
		return t.In(shanghai).Format("2006-01-02 15:04")
	}
	for _, t := range out.Tickets {
		rating := any("")
		if t.Rating > 0 {
			rating = t.Rating
		}
		row := []any{
			t.Number, t.State.Zh(), string(t.Appeal.Type), plainCell(t.Appeal.Title), t.Appeal.Category, t.Appeal.District, t.Department, string(t.Channel), string(t.Urgency),
			plainCell(t.Citizen.Name), plainCell(t.Citizen.Phone), day(t.CreatedAt), day(t.AcceptedAt), day(t.ResolvedAt), day(t.ClosedAt), rating,
		}
		if in.Description {
			row = append(row, plainCell(t.Appeal.Description), plainCell(t.Answer))
		}
		cells = append(cells, append(row, mark))
	}
	return cells
}
