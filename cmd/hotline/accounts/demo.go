package accounts

import (
	"context"
	"fmt"
	"time"

	"hotline/telephony"
	"hotline/ticketing"
	"hotline/web"
)

// DemoPassword is the password of every user and seat of the demo.
const DemoPassword = "hotline-demo"

// Demo makes the demo's users and its seats 8001 … 8010.
func Demo(ctx context.Context, users Users, seats Seats, city ticketing.City, realm string, now time.Time) error {
	hash, err := web.HashPassword(DemoPassword) // one for all: they share the password
	if err != nil {
		return err
	}
	for _, u := range demoUsers(city) {
		if err := save(ctx, users, u, hash, now); err != nil {
			return fmt.Errorf("demo user %s: %w", u.Login, err)
		}
	}
	for seat := 8001; seat <= 8010; seat++ {
		login := ""
		switch {
		case seat <= 8005:
			login = fmt.Sprintf("agent%d", seat-8000)
		case seat == 8010:
			login = "lead1"
		}
		account := SeatAccount{ID: fmt.Sprint(seat), Login: login, Realm: realm, Secret: DemoPassword, Algorithm: telephony.MD5}
		if err := SaveSeat(ctx, users, seats, account); err != nil {
			return fmt.Errorf("demo seat %d: %w", seat, err)
		}
	}
	return nil
}

func demoUsers(city ticketing.City) []ticketing.User {
	var all []ticketing.User
	add := func(login, name, department, seat string, roles ...ticketing.Role) {
		all = append(all, ticketing.User{Login: login, Name: name, Department: department, Seat: seat, Roles: roles})
	}
	add("admin", "系统管理员", "", "", ticketing.RoleAdmin)
	for i, name := range []string{"林晓", "周宁", "沈雨", "许诺", "顾言"} {
		add(fmt.Sprintf("agent%d", i+1), name, "", fmt.Sprint(8001+i), ticketing.RoleAgent)
	}
	add("lead1", "班长 陆远", "", "8010", ticketing.RoleLead)
	add("dispatcher1", "派单员 方圆", "", "", ticketing.RoleDispatcher)
	add("qc1", "质检员 白露", "", "", ticketing.RoleQC)
	add("follow1", "回访员 秦怡", "", "", ticketing.RoleFollowUp)
	add("supervisor1", "督办员 程毅", "", "", ticketing.RoleSupervisor)
	add("analyst1", "分析员 叶舟", "", "", ticketing.RoleAnalyst)
	add("secadmin", "安全管理员", "", "", ticketing.RoleSecAdmin)
	add("auditor", "审计管理员", "", "", ticketing.RoleAuditor)
	all = append(all, ticketing.User{
		Login: "sealed1", Name: "密封坐席 温言", Partition: "12388",
		Roles: []ticketing.Role{ticketing.RoleAgent, ticketing.RoleDispatcher, ticketing.RoleFollowUp, ticketing.RoleLead},
	})
	for _, d := range city.Departments {
		add("clerk-"+d.Code, d.Name+" 经办人", d.Code, "", ticketing.RoleClerk)
		add("head-"+d.Code, d.Name+" 负责人", d.Code, "", ticketing.RoleHead)
	}
	return all
}
