//! Which rows of a file belong together, and how they differ.

use std::collections::BTreeMap;

use super::row::{Class, FIELDS, Row};

/// What stands for a row that is not there.
pub(crate) const NONE: &str = "none";

/// A difference.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    /// Protocol and ends, as Zeek has them, unless only we have the row.
    pub(crate) tuple: String,
    /// `row` where one side has none, `initiator` for the direction, or one of [`FIELDS`].
    pub(crate) field: &'static str,
    /// Our value.
    pub(crate) ours: String,
    /// Zeek's.
    pub(crate) theirs: String,
    /// Of which protocol.
    pub(crate) class: Class,
}

/// What came of a file.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Zeek's rows, by protocol.
    pub(crate) rows: BTreeMap<Class, usize>,
    /// Those of them that we have without any difference.
    pub(crate) equal: BTreeMap<Class, usize>,
    /// Our rows of what Zeek has no row of.
    pub(crate) surplus: BTreeMap<Class, usize>,
    /// Rows of Zeek's that only carry others, which we do not write.
    pub(crate) tunnels: usize,
    /// Everything that differs.
    pub(crate) differences: Vec<Difference>,
}

/// Compares the rows of a file.
pub(crate) fn compare(ours: &[Row], theirs: &[Row]) -> Outcome {
    let mut outcome = Outcome::default();
    let mut groups: BTreeMap<_, (Vec<&Row>, Vec<&Row>)> = BTreeMap::new();
    for row in ours {
        groups.entry(row.key()).or_default().0.push(row);
    }
    for row in theirs {
        groups.entry(row.key()).or_default().1.push(row);
    }
    for (mut ours, mut theirs) in groups.into_values() {
        ours.sort_by_key(|row| row.start_us);
        theirs.sort_by_key(|row| row.start_us);
        for pair in pairs(&ours, &theirs) {
            outcome.add(pair);
        }
    }
    outcome
}

/// Rows that began at the same time belong together, of several those that are equal, and what is left
/// in its order.
fn pairs<'a>(ours: &[&'a Row], theirs: &[&'a Row]) -> Vec<(Option<&'a Row>, Option<&'a Row>)> {
    // Zeek's times are floating point numbers.
    let began_with = |row: &Row, other: &Row| (other.start_us - row.start_us).abs() <= 1;
    let is_equal =
        |row: &Row, other: &Row| began_with(row, other) && differences(row, other).is_empty();
    let mut pairs = Vec::new();
    let mut left: Vec<&Row> = theirs.to_vec();
    let mut alone = ours.to_vec();
    for must_be_equal in [true, false] {
        alone.retain(|row| {
            let found = left
                .iter()
                .position(|other| is_equal(row, other) || !must_be_equal && began_with(row, other));
            if let Some(at) = found {
                pairs.push((Some(*row), Some(left.remove(at))));
            }
            found.is_none()
        });
    }
    let mut left = left.into_iter();
    for row in alone {
        pairs.push((Some(row), left.next()));
    }
    pairs.extend(left.map(|row| (None, Some(row))));
    pairs
}

impl Outcome {
    fn add(&mut self, pair: (Option<&Row>, Option<&Row>)) {
        let (Some(row), before) = (pair.1.or(pair.0), self.differences.len()) else {
            return;
        };
        let class = row.class();
        match pair {
            (None, Some(theirs)) if theirs.is_tunnel => {
                self.tunnels += 1;
                return;
            }
            (Some(ours), Some(theirs)) => self.differences.extend(differences(ours, theirs)),
            (ours, theirs) => {
                let word = |row: Option<&Row>| if row.is_some() { "a row" } else { NONE };
                self.differences.push(Difference {
                    tuple: row.to_string(),
                    field: "row",
                    ours: word(ours).to_owned(),
                    theirs: word(theirs).to_owned(),
                    class,
                });
            }
        }
        if pair.1.is_none() {
            *self.surplus.entry(class).or_default() += 1;
            return;
        }
        *self.rows.entry(class).or_default() += 1;
        if self.differences.len() == before {
            *self.equal.entry(class).or_default() += 1;
        }
    }
}

/// How two rows differ.
fn differences(ours: &Row, theirs: &Row) -> Vec<Difference> {
    let difference = |field, ours: String, other: String| Difference {
        tuple: theirs.to_string(),
        field,
        ours,
        theirs: other,
        class: theirs.class(),
    };
    let mut found = Vec::new();
    if ours.orig != theirs.orig {
        found.push(difference(
            "initiator",
            ours.to_string(),
            theirs.to_string(),
        ));
    }
    for (field, (our_value, their_value)) in
        FIELDS.iter().zip(ours.values.iter().zip(&theirs.values))
    {
        let equal = match *field {
            "duration" => same_duration(our_value.as_deref(), their_value.as_deref()),
            _ => our_value == their_value,
        };
        if !equal {
            let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
            found.push(difference(field, shown(our_value), shown(their_value)));
        }
    }
    found
}

/// Zeek subtracts floating point numbers, of which the microseconds are not exact.
fn same_duration(ours: Option<&str>, theirs: Option<&str>) -> bool {
    let seconds = |text: Option<&str>| match text {
        None => Some(0.0),
        Some(text) => text.parse::<f64>().ok(),
    };
    match (seconds(ours), seconds(theirs)) {
        (Some(ours), Some(theirs)) => (ours - theirs).abs() < 2.5e-6,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(start_us: i64, orig: u16, history: &str) -> Row {
        let end = |port| ("192.0.2.1".to_owned(), port);
        Row {
            start_us,
            protocol: 6,
            orig: end(orig),
            resp: end(if orig == 80 { 5000 } else { 80 }),
            is_tunnel: false,
            values: FIELDS.map(|field| (field == "history").then(|| history.to_owned())),
        }
    }

    #[test]
    fn what_zeek_wrote_equals_itself() {
        let rows = [row(5, 5000, "S"), row(9, 5000, "Sr"), row(9, 5001, "D")];
        let outcome = compare(&rows, &rows);
        assert_eq!(outcome.rows.get(&Class::Tcp), Some(&3));
        assert_eq!(outcome.equal, outcome.rows);
    }

    #[test]
    fn reused_ports_are_matched_by_time() {
        let ours = [row(100, 5000, "D"), row(200, 5000, "S")];
        let outcome = compare(&ours, &ours[1..]);
        let [difference] = outcome.differences.as_slice() else {
            panic!("one difference");
        };
        assert_eq!(
            (difference.field, difference.theirs.as_str()),
            ("row", "none")
        );
        assert_eq!(outcome.rows, outcome.equal);
        assert_eq!(outcome.surplus.get(&Class::Tcp), Some(&1));
    }

    #[test]
    fn of_rows_that_began_together_the_equal_ones_are_matched() {
        let rows = [row(100, 5000, "C"), row(100, 5000, "Dd")];
        let outcome = compare(&rows, &[rows[1].clone(), rows[0].clone()]);
        assert_eq!(outcome.equal.get(&Class::Tcp), Some(&2));
    }

    #[test]
    fn direction_and_letters_are_told_apart() {
        let outcome = compare(&[row(1, 80, "Dd")], &[row(1, 5000, "^Dd")]);
        let fields: Vec<_> = outcome
            .differences
            .iter()
            .map(|found| found.field)
            .collect();
        assert_eq!(fields, ["initiator", "history"]);
    }

    #[test]
    fn rows_that_carry_others_may_be_left_out() {
        let outer = Row {
            is_tunnel: true,
            ..row(1, 4789, "D")
        };
        let outcome = compare(&[], &[outer]);
        assert_eq!((outcome.tunnels, outcome.differences.len()), (1, 0));
    }
}
