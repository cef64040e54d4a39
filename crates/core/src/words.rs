//! Numbers, spans of time and messages in words, the same wherever people read them.

use jiff::{SignedDuration, Timestamp};

/// The longest message in a table, in characters.
const WIDTH: usize = 60;

/// The first line of a message, cut to what a table bears.
pub fn short(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    match line.char_indices().nth(WIDTH) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// `1 order`, `12 orders`.
pub fn orders(count: u64) -> String {
    count_of(count, "order")
}

/// `1 batch`, `2 restarts`: a number with its noun.
pub fn count_of(count: u64, noun: &str) -> String {
    let ending = match (count, noun.ends_with("ch")) {
        (1, _) => "",
        (_, true) => "es",
        (_, false) => "s",
    };
    format!("{count} {noun}{ending}")
}

/// A name as people read it: `in_flight` is `in flight`.
pub fn plain(name: &str) -> String {
    name.replace("dead_letter", "dead-letter").replace('_', " ")
}

/// How long ago, in its largest unit: `3 days`, `12 min`.
pub fn age(since: Timestamp, now: Timestamp) -> String {
    length(now.duration_since(since).max(SignedDuration::ZERO))
}

/// How long, in its largest unit: `42 s`, `3 days`.
pub fn length(time: SignedDuration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_told_in_its_largest_unit() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let ages = [
            (-5, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (7_199, "1 h"),
            (172_799, "47 h"),
            (900_000, "10 days"),
        ];
        for (seconds, text) in ages {
            assert_eq!(age(at(0), at(seconds)), text);
        }
    }

    #[test]
    fn a_message_is_cut_to_its_first_line_and_a_width() {
        assert_eq!(short("no carrier\nat all"), "no carrier");
        let long = short(&"é".repeat(80));
        assert_eq!(long.chars().count(), WIDTH + 1);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn one_is_one() {
        assert_eq!(orders(1), "1 order");
        assert_eq!(orders(0), "0 orders");
        assert_eq!(count_of(2, "batch"), "2 batches");
    }

    #[test]
    fn a_name_is_words() {
        assert_eq!(plain("in_flight"), "in flight");
        assert_eq!(plain("dead_lettered"), "dead-lettered");
    }
}
