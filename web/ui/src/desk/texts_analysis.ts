/** Texts of the analysis. */
export const zhAnalysis = {
  analysis: {
    menu: '分析', q: '检索条件,如 路灯 最近三十天', from: '起', to: '止', rows: '行', columns: '列', none: '（无）', compare: '对比', noCompare: '不对比', run: '统计',
    compares: { previous: '上一同长时段', year: '去年同期' },
    axes: {
      type: '诉求类型', category: '类别', family: '大类', district: '区划', department: '承办单位', state: '状态', channel: '渠道', place: '地点', day: '日', week: '周', month: '月', hour: '时段', weekday: '星期',
    },
    weekdays: { 1: '周一', 2: '周二', 3: '周三', 4: '周四', 5: '周五', 6: '周六', 7: '周日' }, hour: '{h}时',
    total: '共 {n} 件', without: '另有 {n} 件没有该项', more: '还有 {n} 行未列出', count: '件数', before: '对比期', change: '增减', tables: '统计表', words: '词', heat: '热力图', people: '人',
    titles: '最近 {n} 件工单标题中多见、平时少见的词', tiles: '{n} 件有位置,{m} 件没有', zoom: '网格', finer: '细一级', coarser: '粗一级',
    peopleText: '{tickets} 件工单来自 {people} 人；{repeat} 人反映两次以上，占 {share} 的工单；{unknown} 件不知是谁。', each: '每人工单数', persons: '人数', counted: '统计范围：{what}', everything: '全部工单', own: '本单位及下属单位的工单', took: '按检索框的理解：{parts}',
    down: '导出 CSV', proposals: '分类建议', proposed: '给出建议', accepted: '与人工一致', share: '一致率',
    acceptedText: '近三十次学习之后的 {tickets} 件工单：对 {proposed} 件给出了类别建议，其中 {share} 与人工所定一致。',
  },
}

export const enAnalysis: typeof zhAnalysis = {
  analysis: {
    menu: 'Analysis', q: 'Search, such as 路灯 最近三十天', from: 'From', to: 'To', rows: 'Rows', columns: 'Columns', none: '(none)', compare: 'Compare', noCompare: 'No comparison', run: 'Count',
    compares: { previous: 'Same length before', year: 'A year earlier' },
    axes: {
      type: 'Type', category: 'Category', family: 'Family', district: 'District', department: 'Department', state: 'State', channel: 'Channel', place: 'Place', day: 'Day', week: 'Week', month: 'Month', hour: 'Hour', weekday: 'Weekday',
    },
    weekdays: { 1: 'Mon', 2: 'Tue', 3: 'Wed', 4: 'Thu', 5: 'Fri', 6: 'Sat', 7: 'Sun' }, hour: '{h}:00',
    total: '{n} tickets', without: '{n} more have no such value', more: '{n} rows are not shown', count: 'Tickets', before: 'Before', change: 'Change', tables: 'Tables', words: 'Words', heat: 'Heat map', people: 'People',
    titles: 'Words of the newest {n} titles that few others have', tiles: '{n} tickets have a place on the map, {m} have none', zoom: 'Grid', finer: 'Finer', coarser: 'Coarser',
    peopleText: '{tickets} tickets of {people} people; {repeat} came twice or more, with {share} of the tickets; of {unknown} nobody is known.', each: 'Tickets each', persons: 'People', counted: 'Counted: {what}', everything: 'all tickets', own: 'tickets of the own departments', took: 'Understood as: {parts}',
    down: 'Export CSV', proposals: 'Proposals', proposed: 'Proposed', accepted: 'As people said', share: 'Share',
    acceptedText: 'Of {tickets} tickets that came after the last thirty times of learning, a category was proposed for {proposed}; people said the same of {share}.',
  },
}
