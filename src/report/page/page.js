// The page's own script: reads the numbers that lie in the page, and draws them. Runs in the reader's browser, as it is.
/* global uPlot, document, matchMedia, getComputedStyle, ResizeObserver */
(() => {
  const report = JSON.parse(document.getElementById("report").textContent);
  const page = document.getElementById("page");
  const plots = [];
  const PLOT_HEIGHT = 240;

  const number = (value, digits = 0) => Number(value).toLocaleString("en", { maximumFractionDigits: digits });
  const short = (value) =>
    value === null ? "–" : Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 }).format(value);
  const significant = (value) =>
    Number(Number(value).toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 9 });
  const sol = (lamports) => significant(lamports / 1e9);
  const percent = (value) => `${(100 * value).toFixed(1)}%`;
  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  /** An element with text in it: never markup, for names come from the network. */
  const element = (tag, attributes = {}, ...children) => {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };

  const card = (title, about, ...content) => {
    const made = element("section", {}, element("h2", {}, title), element("p", {}, about), ...content);
    cards.append(made);
    return made;
  };

  const tableOf = (head, rows) => {
    const isNumber = head.map((_, i) => rows.length > 0 && rows.every((row) => typeof row[i] === "number"));
    const cells = (tag, values, names) =>
      values.map((value, i) => {
        if (value instanceof Node) return element("td", { class: "bars" }, value);
        const kind = isNumber[i] ? "number" : tag === "td" && names.includes(i) ? "name" : "";
        const shown = typeof value === "number" ? number(value, 3) : String(value);
        return element(tag, kind === "" ? {} : { class: kind, ...(kind === "name" ? { title: shown } : {}) }, shown);
      });
    const body = rows.map((row) => element("tr", {}, ...cells("td", row, [0])));
    return element(
      "div",
      { class: "scroll" },
      element(
        "table",
        {},
        element("thead", {}, element("tr", {}, ...cells("th", head, []))),
        element("tbody", {}, ...body),
      ),
    );
  };

  const axis = (label, values) => ({
    label,
    labelSize: 18,
    size: 56,
    stroke: () => color("--soft"),
    grid: { stroke: () => color("--line"), width: 1 },
    ticks: { stroke: () => color("--line"), width: 1 },
    ...(values === undefined ? {} : { values }),
  });

  /** Adds a plot that follows its card's width and the reader's colours. */
  const plot = (holder, options, data) => {
    const box = element("div");
    holder.append(box);
    const made = new uPlot({ width: box.clientWidth || 320, height: PLOT_HEIGHT, ...options }, data, box);
    plots.push(made);
    new ResizeObserver(() => {
      if (box.clientWidth > 0) made.setSize({ width: box.clientWidth, height: PLOT_HEIGHT });
    }).observe(box);
  };

  /** What is filled or stands as bars is read by its height: its axis begins at 0. */
  const fromZero = (_, __, most) => [0, most * 1.05 || 1];
  const nothing = (holder, why) => holder.append(element("p", { class: "empty" }, why));
  const stroke = (name) => () => color(name);
  const compact = (_, ticks) => ticks.map(short);
  const shown = (_, value) => (value === null || value === undefined ? "–" : significant(value));

  const day = 86_400;
  /** Times of a plot, in UTC like everything else. */
  const clock = (plotted, ticks) => {
    const { min, max } = plotted.scales.x;
    return ticks.map((tick) => {
      const iso = new Date(tick * 1000).toISOString();
      return max - min > 3 * day ? iso.slice(5, 10) : max - min > 600 ? iso.slice(11, 16) : iso.slice(11, 19);
    });
  };
  const moment = (_, value) =>
    value === null ? "–" : new Date(value * 1000).toISOString().slice(0, 19).replace("T", " ");
  /** A tick below every bar. */
  const bars = (label, count, first, name) => ({
    // Where bars are narrow (a phone), every second name: they would run into each other.
    ...axis(label, (plotted, ticks) =>
      ticks.map((tick, i) => (plotted.width / count < 36 && i % 2 === 1 ? "" : name(tick))),
    ),
    splits: () => Array.from({ length: count }, (_, i) => first + i),
    space: 12,
  });
  const span = (text) => text.replace("T", " ").replace(/\.\d+Z$/, " UTC");
  const { totals } = report;
  page.append(
    element("h1", {}, "qos report"),
    element(
      "p",
      {},
      `${span(report.from)} to ${span(report.to)}${report.host === null ? "" : `, host ${report.host}`}`,
    ),
  );
  const tiles = element("div", { class: "tiles" });
  const share = totals.outcomes > 0 ? percent(totals.included / totals.outcomes) : "–";
  for (const [value, label] of [
    [short(totals.packetsIn), "packets in"],
    [short(totals.packetsOut), "packets sent on"],
    [sol(totals.earned), "SOL captured"],
    [share, "of the outcomes included"],
    [short(totals.failed), "failed signatures"],
    [report.delays.p50Ms === null ? "–" : `${number(report.delays.p50Ms)} ms`, "half are sent on within"],
  ]) {
    tiles.append(element("div", { class: "tile" }, element("b", {}, value), element("span", {}, label)));
  }
  const cards = element("div", { class: "cards" });
  page.append(tiles, cards);

  const { steps, stepSeconds } = report.overTime;
  const value = card(
    "Captured value over time",
    `Lamports a second of included transactions (${sol(totals.earned)} SOL in all), and how many there were.`,
  );
  value.classList.add("wide");
  if (steps.length === 0) nothing(value, "No outcomes in this time.");
  else {
    plot(
      value,
      {
        scales: { x: { time: true }, y: { range: fromZero }, count: { range: fromZero } },
        axes: [
          axis("time (UTC)", clock),
          axis("lamports/s", compact),
          { ...axis("included/s", compact), side: 1, scale: "count", grid: { show: false } },
        ],
        series: [
          { label: "time", value: moment },
          {
            label: "lamports/s",
            stroke: stroke("--series-1"),
            fill: stroke("--series-1-fill"),
            width: 2,
            value: shown,
          },
          { label: "included/s", scale: "count", stroke: stroke("--series-2"), width: 2, dash: [5, 4], value: shown },
        ],
      },
      [
        steps.map((step) => Date.parse(step.time) / 1000),
        steps.map((step) => step.earned / stepSeconds),
        steps.map((step) => step.included / stepSeconds),
      ],
    );
  }

  const { tenths, rankCorrelation } = report.calibration;
  const ranks = card(
    "Does the score rank well?",
    rankCorrelation === null
      ? "Transactions by score at arrival, lowest tenth first, and what they came to."
      : `Transactions by score at arrival, lowest tenth first, and what they came to. Rank correlation ${rankCorrelation.toFixed(2)} (1: the order is right, 0: no relation).`,
  );
  if (tenths.length === 0) nothing(ranks, "No outcomes in this time.");
  else {
    plot(
      ranks,
      {
        scales: {
          x: { time: false, range: [0.4, tenths.length + 0.6] },
          y: { range: fromZero },
        },
        axes: [bars("tenth of the scores", tenths.length, 1, String), axis("lamports/CU earned", compact)],
        series: [
          { label: "tenth" },
          {
            label: "lamports/CU",
            stroke: stroke("--series-1"),
            fill: stroke("--series-1"),
            paths: uPlot.paths.bars({ size: [0.7, 60] }),
            points: { show: false },
            value: shown,
          },
        ],
      },
      [tenths.map((one) => one.tenth), tenths.map((one) => one.value)],
    );
  }

  const { bands } = report.delays;
  const delay = card(
    "Arrival to transmit",
    bands.length === 0
      ? "How long packets waited."
      : `Half within ${number(report.delays.p50Ms)} ms, 99% within ${number(report.delays.p99Ms)} ms, the longest ${number(report.delays.longestMs)} ms.`,
  );
  if (bands.length === 0) nothing(delay, "Nothing was sent on in this time.");
  else {
    const names = bands.map((band) => (band.fromMs === 0 ? "<1" : `${band.fromMs}`));
    plot(
      delay,
      {
        scales: {
          x: { time: false, range: [-0.6, bands.length - 0.4] },
          y: { range: fromZero },
        },
        axes: [
          bars("from ms (each band twice the last)", bands.length, 0, (i) => names[i] ?? ""),
          axis("outcomes", compact),
        ],
        series: [
          { label: "from ms", value: (_, i) => names[i] ?? "–" },
          {
            label: "outcomes",
            stroke: stroke("--series-1"),
            fill: stroke("--series-1"),
            paths: uPlot.paths.bars({ size: [0.7, 60] }),
            points: { show: false },
            value: shown,
          },
        ],
      },
      [bands.map((_, i) => i), bands.map((band) => band.outcomes)],
    );
  }

  const priced = report.prices
    .filter((one) => one.in > 0 && one.out !== null && one.out > 0)
    .sort((a, b) => a.in - b.in);
  const price = card(
    "Prices in against prices out",
    "Mean compute-unit price by sender, micro-lamports. Above the line: the better part was sent on.",
  );
  price.classList.add("wide");
  if (priced.length === 0) nothing(price, "No fates with prices were saved (see --fates and --db-sample-fates).");
  else {
    const decades = (_, ticks) => ticks.map((tick) => (Number.isInteger(Math.log10(tick)) ? short(tick) : ""));
    plot(
      price,
      {
        scales: { x: { time: false, distr: 3 }, y: { distr: 3 } },
        axes: [axis("price in", decades), axis("price out", decades)],
        series: [
          { label: "in", value: shown },
          {
            label: "out",
            stroke: stroke("--series-1"),
            width: 0,
            paths: () => null,
            points: { show: true, size: 7, fill: stroke("--series-1") },
            value: shown,
          },
          {
            label: "as it came in",
            stroke: stroke("--series-2"),
            width: 1.5,
            dash: [5, 4],
            points: { show: false },
            value: shown,
          },
        ],
      },
      [priced.map((one) => one.in), priced.map((one) => one.out), priced.map((one) => one.in)],
    );
  }

  const SENDER = ["sender", "SOL", "lamports", "included", "for nothing", "failed", "packet score"];
  const senderRows = (lines) =>
    lines.map((line) => [
      line.sender,
      sol(line.earned),
      line.earned,
      line.included,
      line.wasted,
      line.failed,
      Number(line.score.toPrecision(3)),
    ]);
  for (const [title, about, lists] of [
    [
      "Who earns what",
      "What included transactions paid. A packet's score is the lamports/CU that its sender is believed; " +
        "the score of a sender (qos monitor, qos ctl top) is from 0 to 1.",
      report.earners,
    ],
    ["Who wastes what", "Sent on for nothing: not included, or a failed signature.", report.wasters],
  ]) {
    for (const [kind, lines] of [
      ["addresses", lists.ips],
      ["fee payers", lists.payers],
    ]) {
      const made = card(`${title}: ${kind}`, about);
      if (lines.length === 0) nothing(made, "Nobody in this time.");
      else made.append(tableOf(SENDER, senderRows(lines)));
    }
  }

  const ends = card("How packets ended", "Scaled up from the fates that were saved, by the share of them that was.");
  if (report.endings.length === 0) nothing(ends, "No fates were saved.");
  else {
    const most = Math.max(...report.endings.map((one) => one.packets));
    ends.append(
      tableOf(
        ["ending", "packets", "saved", ""],
        report.endings.map((one) => [
          one.ending,
          one.packets,
          one.saved,
          element("span", { class: "bar", style: `width:${(100 * one.packets) / most}%` }),
        ]),
      ),
    );
  }
  const runs = card("Sidecars", "Runs with statistics in this time.");
  runs.append(
    tableOf(
      ["session", "host", "version", "started", "outcomes saved", "fates saved"],
      report.sessions.map((one) => [
        one.session,
        one.host,
        one.version,
        span(one.started),
        percent(one.transactionsShare),
        percent(one.fatesShare),
      ]),
    ),
  );
  page.append(element("footer", {}, `Made by qos ${report.version}. All times are UTC.`));

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const made of plots) made.redraw(false, true);
  });
  document.body.dataset.drawn = String(plots.length);
})();
