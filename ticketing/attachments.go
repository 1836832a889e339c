package ticketing

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// maxAttachments bounds the files of a ticket.
const maxAttachments = 30

// Attach puts a file on a ticket. Its content is in the blobs already, under its hash.
func (s *Service) Attach(ctx context.Context, a Actor, ref string, file Attachment) (Attachment, error) {
	file.Name = cleanName(file.Name)
	if !isHash(file.Hash) {
		return file, invalid("sha256", "is not a hash", "哈希无效")
	}
	err := s.amend(ctx, a, ref, func(next *Ticket, _ *Change) (string, EventData, error) {
		if err := mayAttach(a, *next); err != nil {
			return "", EventData{}, err
		}
		if slices.ContainsFunc(next.Attachments, func(f Attachment) bool { return f.Hash == file.Hash }) {
			i := slices.IndexFunc(next.Attachments, func(f Attachment) bool { return f.Hash == file.Hash })
			file = next.Attachments[i] // it is there already
			return "", EventData{}, nil
		}
		if len(next.Attachments) >= maxAttachments {
			return "", EventData{}, &Error{
				Code: CodeInvalid, Limit: maxAttachments, Message: "the ticket has " + strconv.Itoa(maxAttachments) + " files already; delete one first",
				Zh: "附件已达上限，请先删除",
			}
		}
		file.ID, file.By, file.At = NewID(next.UpdatedAt), a.UserID, next.UpdatedAt
		next.Attachments = append(next.Attachments, file)
		return EventAttached, EventData{Attachment: file.ID, Name: file.Name}, nil
	})
	return file, err
}

// mayAttach tells whether the actor may put files on a ticket.
func mayAttach(a Actor, t Ticket) error {
	switch {
	case t.State == Archived:
		return &Error{Code: CodeNotOpen, Message: "an archived ticket stays as it is", Zh: "工单已归档，不能修改"}
	case a.Department != "" && a.Department != t.Department && !slices.Contains(t.Units(), a.Department):
		why := notYours()
		return &Error{Code: CodeNotOpen, Message: why.En, Zh: why.Zh}
	}
	return nil
}

// Detach takes a file off a ticket: who put it there, or a lead. The blob stays:
// other tickets may have the same.
func (s *Service) Detach(ctx context.Context, a Actor, ref, id string) error {
	return s.amend(ctx, a, ref, func(next *Ticket, _ *Change) (string, EventData, error) {
		i := slices.IndexFunc(next.Attachments, func(f Attachment) bool { return f.ID == id })
		if i < 0 {
			return "", EventData{}, &Error{Code: CodeNotFound, Message: "no such file on this ticket", Zh: "没有这个附件"}
		}
		if err := mayAttach(a, *next); err != nil {
			return "", EventData{}, err
		}
		if next.Attachments[i].By != a.UserID && !a.hasAny([]Role{RoleLead, RoleAdmin}) {
			return "", EventData{}, ErrForbidden
		}
		data := EventData{Attachment: id, Name: next.Attachments[i].Name}
		next.Attachments = slices.Delete(next.Attachments, i, i+1)
		return EventDetached, data, nil
	})
}

// Attachment finds a file of a ticket that the actor may open; the look is recorded.
func (s *Service) Attachment(ctx context.Context, a Actor, ref, id string) (Attachment, error) {
	t, err := s.load(ctx, a, ref)
	if err != nil {
		return Attachment{}, err
	}
	for _, f := range a.view(t).Attachments {
		if f.ID != id {
			continue
		}
		read := s.look(a, t, "attachment", "打开附件 "+f.Name)
		if err := s.commit(ctx, Change{Read: &read}); err != nil {
			return f, fmt.Errorf("record read: %w", err)
		}
		return f, nil
	}
	if slices.ContainsFunc(t.Attachments, func(f Attachment) bool { return f.ID == id }) {
		return Attachment{}, &Error{Code: CodeForbidden, Message: "the citizen asked for confidentiality; the centre alone opens the files", Zh: "诉求人要求保密，承办单位不能查看附件"}
	}
	return Attachment{}, &Error{Code: CodeNotFound, Message: "no such file on this ticket", Zh: "没有这个附件"}
}

// cleanName keeps of a file's name what is safe to show and to save: the last
// part of a path, without control characters, at most 100 characters.
func cleanName(name string) string {
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || strings.ContainsRune(`<>:"|?*`, r) || unicode.Is(unicode.Bidi_Control, r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, name)
	runes := []rune(strings.Trim(name, " ."))
	const most = 100
	if len(runes) > most { // the ending says what it is
		runes = append(runes[:most-10], runes[len(runes)-10:]...)
	}
	if len(runes) == 0 {
		return "file"
	}
	return string(runes)
}

func isHash(s string) bool {
	if len(s) != 64 {
		return false
	}
	return strings.Trim(s, "0123456789abcdef") == ""
}
