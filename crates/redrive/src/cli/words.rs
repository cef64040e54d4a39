//! Numbers and messages in words that a table bears.

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

#[cfg(test)]
mod tests {
    use super::*;

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
