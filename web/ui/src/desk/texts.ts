export const zh = {
  title: '12345 工作台',
  menu: { work: '工作台', floor: '坐席监控', surveys: '调查', tickets: '工单' },
  signIn: { title: '登录', login: '账号', password: '密码', submit: '登录', busy: '正在登录…' },
  signOut: '退出',
  theme: '深色/浅色',
  live: { live: '实时', connecting: '正在连接…', stale: '实时中断·数据截至 {at}' },
  roles: {
    agent: '话务员', lead: '班长', dispatcher: '派单员', qc: '质检员', follow_up: '回访员', supervisor: '督办员', analyst: '分析员',
    clerk: '经办人', head: '负责人', admin: '系统管理员', secadmin: '安全管理员', auditor: '审计管理员',
  },
  types: { inquiry: '咨询', help: '求助', complaint: '投诉', report: '举报', suggestion: '建议', praise: '表扬' },
  states: {
    draft: '待受理', accepted: '待派单', dispatched: '待签收', in_progress: '办理中', in_review: '办结审核', follow_up: '待回访',
    closed: '已办结', archived: '已归档', suspended: '挂起', merged: '已并单', cancelled: '已撤单',
  },
  channels: { phone: '电话', web: '网站', wechat: '微信', api: '接口' },
  urgencies: { normal: '一般', urgent: '紧急', critical: '特急' },
  clocks: { dispatch: '派单', sign: '签收', contact: '联系', resolve: '办结', follow_up: '回访' },
  levels: { none: '未起算', green: '剩{span}', yellow: '剩{span}', red: '剩{span}', over: '超{span}', met: '按时', late: '超时完成', paused: '挂起' },
  spans: { days: '{n}天', hours: '{n}小时', minutes: '{n}分钟' },
  dueAt: '{at} 到期',
  why: '为何?',
  whyTitle: '{clock}时限为何此时到期',
  actions: {
    edit: '修改', accept: '提交派单', answer_directly: '直接答复办结', dispatch: '派单', sign: '签收', contact: '联系诉求人', resolve: '办结答复',
    approve_review: '审核通过', reject_review: '退回修改', follow_up: '回访', cancel: '撤单',
  },
  events: {
    created: '建单', filed: '网上提交', edited: '修改', call_linked: '关联通话', call_answered: '接听', accepted: '受理', answered_directly: '直接答复', dispatched: '派单',
    to_desk: '转派单台', signed: '签收', contacted: '联系诉求人', resolved: '办结答复', review_approved: '审核通过', review_rejected: '退回修改',
    followed_up: '回访', cancelled: '撤单', deadline: '时限', recalculated: '时限重算', person_shown: '查看个人信息',
  },
  fields: {
    number: '编号', unnumbered: '未编号', state: '状态', type: '类型', title: '标题', description: '内容', category: '分类', district: '区域', address: '地址', urgency: '紧急程度',
    name: '姓名', phone: '电话', confidential: '保密', anonymous: '匿名', department: '承办单位', channel: '渠道', created: '提交时间', answer: '答复',
    reason: '理由', note: '备注', contacted: '已联系到', solved: '已解决', rating: '满意度', clocks: '时限', citizen: '诉求人', line: '热线', digit: '按键',
  },
  ratings: { 5: '非常满意', 4: '满意', 3: '基本满意', 2: '不满意', 1: '非常不满意' },
  list: {
    search: '搜索:内容、地址、编号', find: '搜索', all: '全部', mine: '我受理的', overdue: '已超时', desk: '派单台', changed: '{n} 条有更新', refresh: '刷新', total: '共 {n} 件',
    capped: '超过 {n} 件', empty: '没有符合条件的工单。试试去掉“{filter}”。', none: '还没有工单。来电或网上提交后会出现在这里。', more: '下一页', first: '回到首页',
  },
  ticket: {
    timeline: '时间线', earlier: '该诉求人以往工单', noEarlier: '没有以往工单', reveal: '查看', revealReason: '查看理由(将被记录)', reads: '读取记录',
    assignments: '派单记录', calls: '通话', back: '返回列表', changed: '他人已更新', reload: '载入最新', saved: '已存 {at}', saving: '正在保存…', unsaved: '未保存',
    by: '{who}', system: '系统', citizen: '市民', mic: '录音',
  },
  work: {
    ready: '示闲', break: '示忙', offline: '签退', status: '我的状态', seat: '座席', waiting: '排队', idle: '空闲', incoming: '来电振铃', talking: '通话中', idleHint: '等待来电。示闲后,来电将自动弹出诉求单。',
    hangup: '挂机', ended: '通话结束', notRegistered: '话机未注册,请检查 SIP 话机', drafts: '我的草稿', seatStates: {
      offline: '离线', ready: '空闲', ringing: '振铃', talking: '通话', wrap_up: '话后整理', break: '示忙', set_aside: '未接·已示忙',
    },
  },
  call: {
    mute: '静音', unmute: '取消静音', muted: '已静音', hold: '保持', resume: '恢复通话', held: '保持中·市民听音乐', transfer: '转接/三方', number: '坐席或号码', consult: '咨询', add: '三方通话',
    blind: '直接转接', moving: '正在转接 {to}', calling: '正在呼叫', joined: '通话中', consulting: '咨询中·市民听音乐', merge: '合并三方', handOver: '我退出,由其接听', drop: '挂断该方',
    pause: '暂停录音', record: '继续录音', paused: '录音已暂停', rate: '请评价', harassment: '骚扰来电', harassmentReason: '骚扰情况', report: '提交班长', lost: '话机断开,正在重新接入…',
  },
  floor: {
    queues: '队列', queue: '队列', waiting: '排队', ofThem: '回电 {n}', longest: '最长等待', estimate: '预计误差', free: '空闲', busy: '忙', away: '不在',
    seats: '坐席', seat: '座席', person: '人员', state: '状态', since: '自', calls: '接听', talked: '通话', does: '操作', forced: '班长设置', byLead: '班长处理',
    monitor: '监听', whisper: '耳语', barge: '强插', takeOver: '接管', leave: '退出', forceReady: '强制示闲', forceOffline: '强制签退',
    missed: '漏接来电', noMissed: '没有待回拨的漏接来电。', callBack: '按原位回拨', waits: '已排队回拨', callbacks: '待回电', tries: '已呼叫 {n} 次', withdraw: '取消回电',
    announcements: '线路公告', prompt: '语音文件', announce: '先播后接', announceEnd: '播放后挂机', takeOff: '撤下', ends: '播放后挂机', goesOn: '播放后继续', till: '至 {at}',
    blocks: '骚扰号码', proposed: '待审批', until: '拦截至 {at}', days: '拦截天数', block: '拦截', lift: '解除', decline: '不予拦截',
  },
  surveys: {
    none: '还没有调查任务。', campaign: '调查任务', list: '名单 {n} 人', start: '开始', pause: '暂停', end: '结束', table: '结果表', results: '结果', done: '完成 {n} 份', answered: '{n} 人回答', mean: '平均 {n}',
    next: '取下一位', nobody: '点"取下一位"查看要回访的市民。', call: '呼叫', calls: '已呼叫 {n} 次', save: '提交', outcome: '未完成原因', choose: '请选择', skip: '不回答', text: '市民的回答', never: '不再呼叫的号码',
    modes: { automatic: '自动语音', progressive: '渐进外呼', preview: '预览外呼' },
    states: { draft: '未开始', running: '进行中', paused: '已暂停', ended: '已结束', waiting: '待呼叫', taken: '呼叫中', over: '已结束' },
    outcomes: {
      done: '完成', partial: '中途挂机', refused: '拒访', not_again: '要求不再呼叫', quota_full: '配额已满', no_answer: '无人接听', busy: '忙线', unreachable: '无法接通', abandoned: '接通时无人应答',
    },
  },
  cancel: '取消',
  confirm: '确定',
  failure: {
    offline: '网络不通,请稍后再试。', forbidden: '您没有此权限,请联系安全管理员授予。', notFound: '没有这张工单,或您无权查看。', conflict: '工单已被他人修改,已载入最新内容,请核对后重试。',
    busy: '操作太频繁,请稍后再试。', wrong: '账号或密码不对,或账号已停用。', server: '系统出了问题,请稍后再试。追踪号:{trace}',
  },
}

export const en: typeof zh = {
  title: '12345 desk',
  menu: { work: 'Work', floor: 'Floor', surveys: 'Surveys', tickets: 'Tickets' },
  signIn: { title: 'Sign in', login: 'Login', password: 'Password', submit: 'Sign in', busy: 'Signing in…' },
  signOut: 'Sign out',
  theme: 'Dark/light',
  live: { live: 'Live', connecting: 'Connecting…', stale: 'Not live · as of {at}' },
  roles: {
    agent: 'Agent', lead: 'Lead', dispatcher: 'Dispatcher', qc: 'Quality', follow_up: 'Follow-up', supervisor: 'Supervisor', analyst: 'Analyst',
    clerk: 'Clerk', head: 'Head', admin: 'System administrator', secadmin: 'Security administrator', auditor: 'Auditor',
  },
  types: { inquiry: 'Inquiry', help: 'Help', complaint: 'Complaint', report: 'Report', suggestion: 'Suggestion', praise: 'Praise' },
  states: {
    draft: 'Draft', accepted: 'To dispatch', dispatched: 'To sign', in_progress: 'In progress', in_review: 'In review', follow_up: 'To follow up',
    closed: 'Closed', archived: 'Archived', suspended: 'Suspended', merged: 'Merged', cancelled: 'Cancelled',
  },
  channels: { phone: 'Phone', web: 'Web', wechat: 'WeChat', api: 'API' },
  urgencies: { normal: 'Normal', urgent: 'Urgent', critical: 'Critical' },
  clocks: { dispatch: 'Dispatch', sign: 'Sign', contact: 'Contact', resolve: 'Resolve', follow_up: 'Follow up' },
  levels: { none: 'not started', green: '{span} left', yellow: '{span} left', red: '{span} left', over: '{span} over', met: 'in time', late: 'late', paused: 'suspended' },
  spans: { days: '{n} d', hours: '{n} h', minutes: '{n} min' },
  dueAt: 'due {at}',
  why: 'Why?',
  whyTitle: 'Why the {clock} clock is due then',
  actions: {
    edit: 'Edit', accept: 'Accept', answer_directly: 'Answer and close', dispatch: 'Dispatch', sign: 'Sign', contact: 'Contacted', resolve: 'Reply',
    approve_review: 'Approve', reject_review: 'Send back', follow_up: 'Follow up', cancel: 'Cancel ticket',
  },
  events: {
    created: 'Created', filed: 'Filed online', edited: 'Edited', call_linked: 'Call linked', call_answered: 'Call answered', accepted: 'Accepted', answered_directly: 'Answered', dispatched: 'Dispatched',
    to_desk: 'To the dispatch desk', signed: 'Signed', contacted: 'Citizen contacted', resolved: 'Reply', review_approved: 'Approved', review_rejected: 'Sent back',
    followed_up: 'Followed up', cancelled: 'Cancelled', deadline: 'Deadline', recalculated: 'Limits recalculated', person_shown: 'Person shown',
  },
  fields: {
    number: 'Number', unnumbered: 'No number yet', state: 'State', type: 'Type', title: 'Title', description: 'Matter', category: 'Category', district: 'District', address: 'Address', urgency: 'Urgency',
    name: 'Name', phone: 'Phone', confidential: 'Confidential', anonymous: 'Anonymous', department: 'Department', channel: 'Channel', created: 'Created', answer: 'Answer',
    reason: 'Reason', note: 'Note', contacted: 'Reached', solved: 'Solved', rating: 'Satisfaction', clocks: 'Limits', citizen: 'Citizen', line: 'Line', digit: 'Key pressed',
  },
  ratings: { 5: 'very satisfied', 4: 'satisfied', 3: 'mostly satisfied', 2: 'dissatisfied', 1: 'very dissatisfied' },
  list: {
    search: 'Search: matter, address, number', find: 'Search', all: 'All', mine: 'Mine', overdue: 'Overdue', desk: 'Dispatch desk', changed: '{n} changed', refresh: 'Refresh', total: '{n} tickets',
    capped: 'more than {n} tickets', empty: 'No ticket fits. Try without “{filter}”.', none: 'No tickets yet. Calls and online appeals appear here.', more: 'Next page', first: 'First page',
  },
  ticket: {
    timeline: 'Timeline', earlier: 'Earlier tickets of this citizen', noEarlier: 'None', reveal: 'Show', revealReason: 'Reason (goes on record)', reads: 'Who looked',
    assignments: 'Dispatches', calls: 'Calls', back: 'Back to the list', changed: 'Somebody else changed it', reload: 'Load the newest', saved: 'Saved {at}', saving: 'Saving…', unsaved: 'Not saved',
    by: '{who}', system: 'System', citizen: 'Citizen', mic: 'Recording',
  },
  work: {
    ready: 'Ready', break: 'Break', offline: 'Leave', status: 'My status', seat: 'Seat', waiting: 'Waiting', idle: 'Idle', incoming: 'Ringing', talking: 'On the call', idleHint: 'Waiting for a call. When you are ready, a call opens its form here by itself.',
    hangup: 'Hang up', ended: 'Call over', notRegistered: 'Your phone is not registered; check the SIP phone', drafts: 'My drafts', seatStates: {
      offline: 'offline', ready: 'ready', ringing: 'ringing', talking: 'talking', wrap_up: 'wrap-up', break: 'break', set_aside: 'no answer · set aside',
    },
  },
  call: {
    mute: 'Mute', unmute: 'Unmute', muted: 'muted', hold: 'Hold', resume: 'Resume', held: 'on hold · the citizen hears music', transfer: 'Transfer/three-way', number: 'Seat or number', consult: 'Consult', add: 'Three-way call',
    blind: 'Transfer now', moving: 'transferring to {to}', calling: 'is being called', joined: 'takes part', consulting: 'is consulted · the citizen hears music', merge: 'Merge', handOver: 'I leave, they go on', drop: 'Drop',
    pause: 'Pause recording', record: 'Record again', paused: 'recording paused', rate: 'Ask for a rating', harassment: 'Harassment', harassmentReason: 'What the caller did', report: 'Tell the lead', lost: 'Your phone is lost; it rings again…',
  },
  floor: {
    queues: 'Queues', queue: 'Queue', waiting: 'Waiting', ofThem: '{n} to call back', longest: 'Longest', estimate: 'Estimates', free: 'Ready', busy: 'Busy', away: 'Away',
    seats: 'Seats', seat: 'Seat', person: 'Person', state: 'State', since: 'Since', calls: 'Calls', talked: 'Talked', does: 'Actions', forced: 'set by a lead', byLead: 'by the lead',
    monitor: 'Monitor', whisper: 'Whisper', barge: 'Barge', takeOver: 'Take over', leave: 'Leave', forceReady: 'Force ready', forceOffline: 'Force logout',
    missed: 'Missed calls', noMissed: 'No missed call is waiting to be returned.', callBack: 'Call back in its place', waits: 'waits to be called back', callbacks: 'To be called back', tries: '{n} tries', withdraw: 'Withdraw',
    announcements: 'Announcements', prompt: 'Prompt', announce: 'Announce', announceEnd: 'Announce and end', takeOff: 'Take off', ends: 'ends the call', goesOn: 'the flow follows', till: 'until {at}',
    blocks: 'Harassment', proposed: 'to be decided', until: 'refused until {at}', days: 'Days', block: 'Refuse', lift: 'Lift', decline: 'Decline',
  },
  surveys: {
    none: 'No survey yet.', campaign: 'Survey', list: '{n} on the list', start: 'Start', pause: 'Pause', end: 'End', table: 'Table', results: 'Results', done: '{n} finished', answered: '{n} answered', mean: 'mean {n}',
    next: 'Next citizen', nobody: 'Take the next citizen to see whom to call.', call: 'Call', calls: '{n} calls so far', save: 'Submit', outcome: 'Why not finished', choose: 'Choose', skip: 'No answer', text: 'What the citizen says', never: 'Not to be called',
    modes: { automatic: 'Automatic', progressive: 'Progressive', preview: 'Preview' },
    states: { draft: 'Draft', running: 'Running', paused: 'Paused', ended: 'Ended', waiting: 'To call', taken: 'Being called', over: 'Over' },
    outcomes: {
      done: 'Finished', partial: 'Hung up', refused: 'Refused', not_again: 'Never again', quota_full: 'Quota full', no_answer: 'No answer', busy: 'Busy', unreachable: 'Unreachable', abandoned: 'Nobody was free',
    },
  },
  cancel: 'Cancel',
  confirm: 'OK',
  failure: {
    offline: 'No connection; try again.', forbidden: 'You may not do this; the security administrator grants rights.', notFound: 'No such ticket, or not yours to see.', conflict: 'Somebody else changed the ticket; the newest is loaded. Compare and try again.',
    busy: 'Too often; wait a moment.', wrong: 'Login or password wrong, or the account is disabled.', server: 'Something went wrong; try again. Trace: {trace}',
  },
}
