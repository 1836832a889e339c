/** Texts of the account, of people and of the ledger. */
export const zhPeople = {
  account: {
    menu: '我的账号', password: '修改密码', current: '当前密码', next: '新密码', change: '修改', changed: '密码已修改，其他会话已结束。',
    mustChange: '请先修改密码，再开始工作。', mustSecond: '您的角色须启用动态口令，请先设置。', second: '动态口令（两步验证）', secondOn: '已启用',
    setUp: '设置', secret: '密钥', open: '在验证器中打开', code: '6位动态口令', confirm: '启用', off: '停用', offAsk: '输入密码以停用',
    backups: '备用码，每个只能用一次，请妥善保存，不再显示：', sessions: '我的会话', thisOne: '当前', end: '结束', address: '来源', since: '登录时间', way: '方式', agent: '程序',
    ways: { password: '密码', totp: '动态口令', backup: '备用码', oidc: '统一身份认证', '': '—' },
  },
  provider: {
    button: '使用{name}登录',
    faults: {
      refused: '身份认证未完成或已失效，请重新登录。', unavailable: '身份认证平台暂时没有响应，请稍后再试或用密码登录。', taken: '该登录名已在本系统使用密码登录，请联系安全管理员处理。',
      disabled: '账号已停用，请联系系统管理员。', no_rights: '您在本系统尚无角色，请联系管理员。', no_account: '无法为您建立账号：登录名或姓名不符合规则，请联系管理员。',
    },
  },
  people: {
    menu: '人员权限', find: '查找账号或姓名', login: '账号', name: '姓名', department: '单位', roles: '角色', partition: '密封分区', district: '限定区划（仅中心）', lines: '限定热线（空格分隔）', state: '状态', seat: '座席号', phone: '本人电话',
    active: '正常', disabled: '已停用', noPassword: '未发密码', create: '新建账号', save: '保存', created: '账号已建立。请安全管理员授权并发放密码。',
    disable: '停用', enable: '启用', grant: '授权', reason: '授权理由', granted: '已授权，该用户会话已结束。', issue: '发放密码', issued: '一次性密码（仅显示一次，首次登录须修改）：',
    endSessions: '结束会话', ended: '已结束全部会话。', dropSecond: '解除两步验证', dropped: '已解除。', second: '两步验证', none: '没有符合条件的账号。', centre: '中心',
  },
  audit: {
    menu: '操作台账', seq: '序号', at: '时间', who: '人员', what: '操作', object: '对象', result: '结果', from: '来源', why: '理由', more: '更早', filter: '筛选',
    actor: '人员编号', results: { done: '完成', refused: '拒绝', failed: '失败' }, any: '全部结果', erased: '内容已依法删除', none: '没有记录。',
    unusual: '异常查阅（近7天）', kinds: { many: '一日查看过多', own: '查看与本人同名或同号者', after_hours: '非工作时间查看', refused: '多次被拒' },
    count: '次数', usual: '通常 {n}', day: '日期',
    classes: { user: '用户', admin: '系统管理员', secadmin: '安全管理员', auditor: '审计管理员', system: '系统', citizen: '市民', key: '接口', anonymous: '未登录' },
  },
}

export const enPeople: typeof zhPeople = {
  account: {
    menu: 'My account', password: 'Change the password', current: 'Current password', next: 'New password', change: 'Change', changed: 'The password is changed; the other sessions have ended.',
    mustChange: 'Change your password before you begin.', mustSecond: 'Your role needs one-time codes. Set them up first.', second: 'One-time codes (second factor)', secondOn: 'On',
    setUp: 'Set up', secret: 'Secret', open: 'Open in the authenticator', code: 'Code of 6 digits', confirm: 'Switch on', off: 'Switch off', offAsk: 'Password, to switch it off',
    backups: 'Backup codes, each works once. Keep them; they are not shown again:', sessions: 'My sessions', thisOne: 'this one', end: 'End', address: 'From', since: 'Since', way: 'Way', agent: 'Program',
    ways: { password: 'password', totp: 'one-time code', backup: 'backup code', oidc: 'identity provider', '': '—' },
  },
  provider: {
    button: 'Sign in with {name}',
    faults: {
      refused: 'The sign-in was not completed, or took too long. Sign in again.', unavailable: 'The identity provider does not answer. Try again later, or use a password.',
      taken: 'This login is used here with a password. Ask the security administrator.', disabled: 'The account is switched off. Ask the system administrator.',
      no_rights: 'You have no role here yet. Ask an administrator.', no_account: 'No account can be made for you: the login or the name does not follow the rules. Ask an administrator.',
    },
  },
  people: {
    menu: 'People', find: 'Find a login or name', login: 'Login', name: 'Name', department: 'Department', roles: 'Roles', partition: 'Sealed partition', district: 'Bound to a district (centre)', lines: 'Bound to lines (space between)', state: 'State', seat: 'Seat', phone: 'Own number',
    active: 'active', disabled: 'switched off', noPassword: 'no password yet', create: 'New account', save: 'Save', created: 'The account is made. The security administrator grants its roles and its password.',
    disable: 'Switch off', enable: 'Switch on', grant: 'Grant', reason: 'Reason of the grant', granted: 'Granted; the sessions of the user have ended.', issue: 'Issue a password', issued: 'One-time password (shown once, to be changed at the first sign-in):',
    endSessions: 'End sessions', ended: 'All sessions have ended.', dropSecond: 'Take the second factor off', dropped: 'It is off.', second: 'second factor', none: 'No account fits.', centre: 'Centre',
  },
  audit: {
    menu: 'Ledger', seq: 'No.', at: 'At', who: 'Who', what: 'What', object: 'On', result: 'Result', from: 'From', why: 'Why', more: 'Earlier', filter: 'Filter',
    actor: 'Id of a person', results: { done: 'done', refused: 'refused', failed: 'failed' }, any: 'All results', erased: 'Its words were erased', none: 'No entries.',
    unusual: 'Unusual reading (seven days)', kinds: { many: 'many looks on a day', own: 'somebody with the own name or number', after_hours: 'outside hours', refused: 'refused again and again' },
    count: 'Count', usual: 'usual {n}', day: 'Day',
    classes: { user: 'user', admin: 'system administrator', secadmin: 'security administrator', auditor: 'auditor', system: 'platform', citizen: 'citizen', key: 'system', anonymous: 'nobody' },
  },
}
