//! "Did you mean": the known name that a mistyped one most likely stands for.

/// The known name closest to `unknown`, if one is close enough to be what was meant: at most a third of its letters
/// differ. Case and `-` for `_` count as no difference.
pub fn suggest(unknown: &str, known: &[&str]) -> Option<String> {
    let unknown = fold(unknown);
    let allowed = (unknown.chars().count() / 3).max(1);
    known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(&unknown, &fold(name)), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| (*name).to_owned())
}

/// The suggestion as the end of a sentence, ` (did you mean "x"?)`; empty when no name is close.
pub fn did_you_mean(unknown: &str, known: &[&str]) -> String {
    suggest(unknown, known).map_or_else(String::new, |name| format!(" (did you mean {name:?}?)"))
}

/// Rewrites serde's ``unknown field `x`, expected `a` or `b` `` as a sentence with a suggestion; `None` for any other
/// message. Only its first line is read, so a TOML error's excerpt may follow.
pub fn unknown_setting(serde_message: &str) -> Option<String> {
    let line = serde_message
        .lines()
        .find(|line| line.contains("unknown field `"))?;
    let (_, named) = line.split_once("unknown field ")?;
    let mut names = named.split('`').skip(1).step_by(2);
    let unknown = names.next()?;
    let known: Vec<&str> = names.collect();
    let hint = match suggest(unknown, &known) {
        Some(name) => format!("did you mean {name:?}?"),
        None if known.is_empty() => "no settings are known here".to_owned(),
        None => format!("the settings here are {}", known.join(", ")),
    };
    Some(format!("unknown setting {unknown:?}: {hint}"))
}

fn fold(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 4] = ["max_retries", "batch_size", "backoff", "restart_children"];

    #[test]
    fn a_near_miss_is_recognised() {
        let table = [
            ("max_retrys", Some("max_retries")),
            ("max-retries", Some("max_retries")),
            ("MaxRetries", Some("max_retries")),
            ("bakcoff", Some("backoff")),
            ("batchsize", Some("batch_size")),
            ("restart_child", Some("restart_children")),
            ("colour", None),
            ("", None),
        ];
        for (unknown, meant) in table {
            assert_eq!(suggest(unknown, &KNOWN).as_deref(), meant, "{unknown}");
        }
        assert_eq!(suggest("anything", &[]), None);
    }

    #[test]
    fn a_suggestion_ends_a_sentence() {
        assert_eq!(
            did_you_mean("backof", &KNOWN),
            " (did you mean \"backoff\"?)"
        );
        assert_eq!(did_you_mean("colour", &KNOWN), "");
    }

    #[test]
    fn serdes_words_become_a_sentence() {
        let table = [
            (
                "unknown field `batchsize`, expected one of `max_retries`, `batch_size`, `backoff`",
                Some("unknown setting \"batchsize\": did you mean \"batch_size\"?"),
            ),
            (
                "TOML parse error at line 1, column 1\n  |\n1 | colour = 1\n  | ^^^^\nunknown field `colour`, \
                 expected `initial` or `max`\n",
                Some("unknown setting \"colour\": the settings here are initial, max"),
            ),
            (
                "unknown field `x`, there are no fields",
                Some("unknown setting \"x\": no settings are known here"),
            ),
            ("invalid type: integer `5`, expected a string", None),
        ];
        for (message, sentence) in table {
            assert_eq!(unknown_setting(message).as_deref(), sentence);
        }
    }

    #[test]
    fn it_reads_what_serde_really_says() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Settings {
            #[serde(rename = "batch_size")]
            _batch_size: u32,
        }
        let error = toml::from_str::<Settings>("batchsize = 5").unwrap_err();
        assert_eq!(
            unknown_setting(&error.to_string()).as_deref(),
            Some("unknown setting \"batchsize\": did you mean \"batch_size\"?")
        );
    }
}
