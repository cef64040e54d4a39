//! What a worker says to the one that watches over it: a line on its stdout for each thing.

use std::fmt;
use std::io::{self, Write};

use crate::deaths::Point;

/// The claims of one chunk, as the ledger names them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Claim {
    /// The batch.
    pub batch: String,
    /// The chunk.
    pub chunk: u32,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// It polls.
    Ready,
    /// It has claimed orders.
    Claimed(Claim),
    /// It is about to kill itself there.
    Dies(Point),
    /// It never hears the answer to a call of that name, which the server has acted on.
    Lost(String),
    /// It hears it late.
    Late(String),
    /// Its clock is so many seconds ahead of the true time from here on.
    Stepped(i64),
    /// The ledger has refused a change, for its disk is full.
    Full,
}

impl Said {
    /// Says it. Nobody may be left to hear.
    pub fn say(&self) {
        let mut stdout = io::stdout().lock();
        let _ = writeln!(stdout, "{self}").and_then(|()| stdout.flush());
    }

    /// Understands a line; `None`: it is none of ours.
    pub fn hear(line: &str) -> Option<Self> {
        match line.split_once(' ') {
            Some(("claimed", claim)) => {
                let (batch, chunk) = claim.split_once(' ')?;
                let (batch, chunk) = (batch.to_owned(), chunk.parse().ok()?);
                Some(Self::Claimed(Claim { batch, chunk }))
            }
            Some(("lost", call)) => Some(Self::Lost(call.to_owned())),
            Some(("late", call)) => Some(Self::Late(call.to_owned())),
            Some(("stepped", seconds)) => Some(Self::Stepped(seconds.parse().ok()?)),
            _ => {
                let mut all = [Self::Ready, Self::Full]
                    .into_iter()
                    .chain(Point::ALL.map(Self::Dies));
                all.find(|said| said.to_string() == line)
            }
        }
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("ready"),
            Self::Claimed(Claim { batch, chunk }) => write!(f, "claimed {batch} {chunk}"),
            Self::Dies(point) => write!(f, "dies {}", point.name()),
            Self::Lost(call) => write!(f, "lost {call}"),
            Self::Late(call) => write!(f, "late {call}"),
            Self::Stepped(seconds) => write!(f, "stepped {seconds}"),
            Self::Full => f.write_str("full"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard() {
        let claim = Claim {
            batch: "b-1".into(),
            chunk: 7,
        };
        let all = [
            Said::Ready,
            Said::Claimed(claim),
            Said::Dies(Point::AfterStart),
            Said::Lost("start".into()),
            Said::Late("describe".into()),
            Said::Stepped(-17),
            Said::Full,
        ];
        for said in all {
            assert_eq!(Said::hear(&said.to_string()), Some(said));
        }
        assert_eq!(Said::hear("claimed nothing"), None);
        assert_eq!(Said::hear("dies of boredom"), None);
    }
}
