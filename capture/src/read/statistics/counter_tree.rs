//! Counters in a tree, with rates and bursts: what tshark's `-z …,tree` statistics have in common
//! (`epan/stats_tree.c` of Wireshark 4.0).

use std::collections::VecDeque;
use std::fmt::Write as _;

/// Counters that are told apart in one tree.
const MOST: usize = 1 << 20;
/// Packets are put together by so many ms to find bursts, which are looked for in so many ms (Wireshark's
/// `stats_tree` preferences).
const BUCKET_MS: f64 = 5.0;
const WINDOW_MS: f64 = 100.0;

/// A counter's place.
pub(super) type Place = usize;

/// The tree.
#[derive(Debug)]
pub(super) struct CounterTree {
    title: &'static str,
    nodes: Vec<Node>,
    roots: Vec<Place>,
    /// ms since the first frame of the file, and when this tree saw its first packet.
    now_ms: f64,
    start_ms: Option<f64>,
    left_out: u64,
}

#[derive(Debug)]
struct Node {
    name: String,
    parent: Option<Place>,
    children: Vec<Place>,
    count: u64,
    values: Values,
    bursts: Bursts,
}

/// Whether a counter has values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Values {
    /// It counts.
    None,
    /// Whole numbers, in this order among others of the kind: their sum, the smallest, the largest.
    Whole(Sum),
    /// Numbers with fractions.
    Fractions(Sum),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sum {
    total: f64,
    min: f64,
    max: f64,
}

impl Values {
    /// Whole numbers, none yet.
    pub(super) const WHOLE: Self = Self::Whole(Sum::EMPTY);
    /// Numbers with fractions, none yet.
    pub(super) const FRACTIONS: Self = Self::Fractions(Sum::EMPTY);
}

impl Sum {
    const EMPTY: Self = Self {
        total: 0.0,
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
    };
}

/// Packets of a short time.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    number: f64,
    start_ms: f64,
    count: u64,
}

/// The most packets in a window.
#[derive(Debug)]
struct Bursts {
    buckets: VecDeque<Bucket>,
    count: u64,
    most: u64,
    most_at_ms: f64,
}

impl Bursts {
    fn new() -> Self {
        let first = Bucket {
            number: 0.0,
            start_ms: 0.0,
            count: 0,
        };
        Self {
            buckets: VecDeque::from([first]),
            count: 0,
            most: 0,
            most_at_ms: 0.0,
        }
    }

    fn add(&mut self, now_ms: f64) {
        let number = (now_ms / BUCKET_MS).floor();
        let window = WINDOW_MS / BUCKET_MS;
        let new = Bucket {
            number,
            start_ms: now_ms,
            count: 1,
        };
        let newest = self.buckets.back().map_or(0.0, |bucket| bucket.number);
        let oldest = self.buckets.front().map_or(0.0, |bucket| bucket.number);
        if number > newest {
            self.buckets.push_back(new);
            self.count += 1;
            while let Some(old) = self.buckets.front().copied()
                && number >= old.number + window
            {
                self.buckets.pop_front();
                self.count -= old.count;
            }
        } else if number < oldest {
            if number + window > newest {
                self.buckets.push_front(new);
                self.count += 1;
            }
        } else {
            let place = self.buckets.partition_point(|other| other.number < number);
            match self.buckets.get_mut(place) {
                Some(bucket) if bucket.number <= number => {
                    bucket.count += 1;
                    bucket.start_ms = bucket.start_ms.min(now_ms);
                }
                _ => self.buckets.insert(place, new),
            }
            self.count += 1;
        }
        if self.count > self.most {
            self.most = self.count;
            self.most_at_ms = self.buckets.front().map_or(0.0, |bucket| bucket.start_ms);
        }
    }
}

impl CounterTree {
    pub(super) const fn new(title: &'static str) -> Self {
        Self {
            title,
            nodes: Vec::new(),
            roots: Vec::new(),
            now_ms: 0.0,
            start_ms: None,
            left_out: 0,
        }
    }

    /// A counter that is there from the start.
    pub(super) fn add(&mut self, name: &str, parent: Option<Place>, values: Values) -> Place {
        let place = self.nodes.len();
        self.nodes.push(Node {
            name: name.to_owned(),
            parent,
            children: Vec::new(),
            count: 0,
            values,
            bursts: Bursts::new(),
        });
        match parent.and_then(|parent| self.nodes.get_mut(parent)) {
            Some(parent) => parent.children.push(place),
            None => self.roots.push(place),
        }
        place
    }

    /// What is counted from now on comes so long after the first frame.
    #[expect(
        clippy::cast_precision_loss,
        reason = "ms of any capture are exact in 53 bits, and shown with few digits"
    )]
    pub(super) fn set_time(&mut self, since_first_ns: i64) {
        self.now_ms = since_first_ns as f64 / 1e6;
        self.start_ms.get_or_insert(self.now_ms);
    }

    /// Counts one.
    pub(super) fn count(&mut self, place: Place) {
        let now_ms = self.now_ms;
        if let Some(node) = self.nodes.get_mut(place) {
            node.count += 1;
            node.bursts.add(now_ms);
        }
    }

    /// Counts one with a value.
    pub(super) fn count_value(&mut self, place: Place, value: f64) {
        self.count(place);
        if let Some(Node {
            values: Values::Whole(sum) | Values::Fractions(sum),
            ..
        }) = self.nodes.get_mut(place)
        {
            sum.total += value;
            sum.min = sum.min.min(value);
            sum.max = sum.max.max(value);
        }
    }

    /// Counts one below another, of this name; gives its place.
    pub(super) fn count_below(&mut self, parent: Place, name: &str) -> Option<Place> {
        let children = &self.nodes.get(parent)?.children;
        let known = children
            .iter()
            .copied()
            .find(|child| self.nodes[*child].name == name);
        let place = match known {
            Some(place) => place,
            None if self.nodes.len() >= MOST => {
                self.left_out += 1;
                return None;
            }
            None => self.add(name, Some(parent), Values::None),
        };
        self.count(place);
        Some(place)
    }

    /// Counts one, and one below it: a pivot in Wireshark's words.
    pub(super) fn count_both(&mut self, parent: Place, name: &str) {
        self.count(parent);
        self.count_below(parent, name);
    }

    /// Adds the table.
    pub(super) fn print(&self, out: &mut String) {
        const TITLES: [&str; 8] = [
            "Count",
            "Average",
            "Min Val",
            "Max Val",
            "Rate (ms)",
            "Percent",
            "Burst Rate",
            "Burst Start",
        ];
        let mut widest = "Topic / Item".len();
        for root in &self.roots {
            self.widen(*root, 0, &mut widest);
        }
        let name = widest + 2;
        let width = name + 14 * TITLES.len() - 1;
        // Writing to a string does not fail, in all of these.
        let _infallible = write!(out, "\n{}\n{}:\n", "=".repeat(width), self.title);
        row("Topic / Item", &TITLES.map(str::to_owned), name, out);
        let _infallible = writeln!(out, "{}", "-".repeat(width));
        for root in &self.roots {
            self.lines(*root, 0, name, out);
        }
        let _infallible = writeln!(out, "\n{}", "-".repeat(width));
        if self.left_out > 0 {
            let _infallible = writeln!(
                out,
                "{} more that are not told apart; only {MOST} are",
                self.left_out
            );
        }
    }

    fn widen(&self, place: Place, depth: usize, widest: &mut usize) {
        let node = &self.nodes[place];
        *widest = (*widest).max(node.name.chars().count() + depth);
        for child in &node.children {
            self.widen(*child, depth + 1, widest);
        }
    }

    fn lines(&self, place: Place, depth: usize, width: usize, out: &mut String) {
        let node = &self.nodes[place];
        let name = format!("{:depth$}{}", "", node.name);
        row(&name, &self.cells(node), width, out);
        let mut children: Vec<_> = node.children.clone();
        // Counters with values stay in their order.
        children.sort_by(|one, other| {
            let (one, other) = (&self.nodes[*one], &self.nodes[*other]);
            if node.values != Values::None {
                return std::cmp::Ordering::Equal;
            }
            let by_count = other.count.cmp(&one.count);
            by_count.then_with(|| other.name.cmp(&one.name))
        });
        for child in children {
            self.lines(child, depth + 1, width, out);
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "as Wireshark shows them: with few digits"
    )]
    fn cells(&self, node: &Node) -> [String; 8] {
        let nothing = || "-".to_owned();
        // Which ones are means is told by the first packet, but of ranges, which are below their mean.
        let is_untouched = self.roots.iter().all(|root| self.nodes[*root].count == 0);
        let parent = node.parent.map(|parent| self.nodes[parent].values);
        let is_range = parent.is_some_and(|values| values != Values::None);
        let [average, min, max] = match node.values {
            _ if is_untouched && !is_range => [(); 3].map(|()| String::new()),
            Values::None => [(); 3].map(|()| String::new()),
            _ if node.count == 0 => [(); 3].map(|()| nothing()),
            Values::Whole(Sum { total, min, max }) => [
                format!("{:.2}", total as f32 / node.count as f32),
                format!("{min:.0}"),
                format!("{max:.0}"),
            ],
            Values::Fractions(Sum { total, min, max }) => [
                format!("{:.2}", total as f32 / node.count as f32),
                format!("{:.6}", min as f32),
                format!("{:.6}", max as f32),
            ],
        };
        let elapsed_ms = self.now_ms - self.start_ms.unwrap_or(self.now_ms);
        let rate = if elapsed_ms == 0.0 {
            String::new()
        } else {
            format!("{:.4}", f64::from(node.count as f32) / elapsed_ms)
        };
        let percent = match node.parent.map(|parent| self.nodes[parent].count) {
            None => "100%".to_owned(),
            Some(0) => String::new(),
            Some(all) => format!("{:.2}%", node.count as f64 * 100.0 / all as f64),
        };
        let bursts = &node.bursts;
        let [burst, start] = if bursts.most == 0 {
            [nothing(), nothing()]
        } else {
            [
                format!("{:.4}", bursts.most as f64 / WINDOW_MS),
                format!("{:.3}", bursts.most_at_ms / 1000.0),
            ]
        };
        [
            node.count.to_string(),
            average,
            min,
            max,
            rate,
            percent,
            burst,
            start,
        ]
    }
}

fn row(name: &str, cells: &[String; 8], width: usize, out: &mut String) {
    // Writing to a string does not fail, in all of these.
    let _infallible = write!(out, "{name:<width$}");
    for (place, cell) in cells.iter().enumerate() {
        let width = if place + 1 == cells.len() { 13 } else { 14 };
        let _infallible = write!(out, "{cell:<width$}");
    }
    out.push('\n');
}
