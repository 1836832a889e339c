/** Texts of the early warning. */
export const zhHotspots = {
  hotspots: {
    menu: '热点', title: '热点预警', none: '没有符合条件的预警。', any: '全部状态', more: '更多', city: '全市', raised: '有新的热点预警', refresh: '刷新',
    kinds: { daily: '按日', surge: '一小时内激增', topic: '同一话题', place: '同一片区' },
    states: { new: '待核实', verified: '已核实', handled: '处置中', closed: '已关闭', false: '误报' },
    acts: { verified: '核实', handled: '处置', closed: '关闭', false: '判为误报' },
    state: '状态', what: '区划 · 类别', observed: '实际', expected: '预期', words: '词', places: '地点', updated: '更新', owner: '负责人', nobody: '无人认领', take: '我来负责',
    why: '为何预警', explain: {
      daily: '{days}日内受理{observed}件，预期{expected}件；单日达到{upper}件即预警。', surge: '一小时内受理{observed}件，预期{expected}件，达到{upper}件即预警。',
      place: '{days}日内在相邻地点受理{observed}件，按这些地点的往常和全市同日的多少，预期{expected}件（时空置换扫描）。',
      topic: '同一话题24小时内有{observed}人反映，平常每日{expected}件；达到{upper}人即预警。',
      chance: '平常出现这样的数量，概率约为 1/{odds}。首件 {first}。',
    },
    rates: '预警误差（模拟检验）：检出率 {detection}，每个序列每日误报率 {false}，节假日 {off}，调休上班日 {makeUp}。',
    chart: '近四周每日件数', day: '日期', table: '数据表', members: '工单（{n}）', past: '同区划同类别的历史预警', history: '处置记录', raisedBy: '系统预警', under: '同一批工单的其他序列（未另行通知）', above: '与另一预警为同一批工单', topic: '查看话题', note: '说明（关闭、误报必填）', add: '记一笔',
  },
}

export const enHotspots: typeof zhHotspots = {
  hotspots: {
    menu: 'Hot spots', title: 'Early warning', none: 'No alert is like this.', any: 'Any state', more: 'More', city: 'Whole city', raised: 'There is a new alert', refresh: 'Refresh',
    kinds: { daily: 'By day', surge: 'Surge within an hour', topic: 'One topic', place: 'Places near one another' },
    states: { new: 'To verify', verified: 'Verified', handled: 'Being handled', closed: 'Closed', false: 'False' },
    acts: { verified: 'Verify', handled: 'Handle', closed: 'Close', false: 'Call it false' },
    state: 'State', what: 'District · category', observed: 'Came', expected: 'Expected', words: 'Words', places: 'Places', updated: 'Updated', owner: 'Owner', nobody: 'Nobody’s', take: 'I take it',
    why: 'Why', explain: {
      daily: '{observed} tickets within {days} days where {expected} were expected; {upper} in one day are warned of.', surge: '{observed} tickets within an hour where {expected} were expected; {upper} are warned of.',
      place: '{observed} tickets within {days} days at places near one another, where {expected} were expected of them and of those days (space-time permutation scan).',
      topic: '{observed} people reported one topic within a day, which brings {expected} tickets; {upper} are warned of.',
      chance: 'In ordinary times that happens once in {odds}. The first came {first}.',
    },
    rates: 'Errors of the warning (simulated): {detection} of outbreaks found, false alarms {false} a series and day, {off} on days off, {makeUp} on make-up days.',
    chart: 'Tickets a day, four weeks', day: 'Day', table: 'Table', members: 'Tickets ({n})', past: 'Earlier alerts of the same district and category', history: 'History', raisedBy: 'raised by the platform', under: 'Other series of the same tickets (nobody was told)', above: 'Another alert has the same tickets', topic: 'The topic', note: 'Note (needed to close it or call it false)', add: 'Note it',
  },
}
