//! What a worker says to the one that watches over it: a line on its stdout for each thing.

use std::fmt;
use std::io::{self, Write};

use crate::deaths::Point;

/// The claims of one chunk, as the ledger names them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
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
}

impl Said {
    /// Says it. Nobody may be left to hear.
    pub fn say(&self) {
        let mut stdout = io::stdout().lock();
        let _ = writeln!(stdout, "{self}").and_then(|()| stdout.flush());
    }

    /// Understands a line; `None`: it is none of ours.
    pub fn hear(line: &str) -> Option<Self> {
        if let Some(claim) = line.strip_prefix("claimed ") {
            let (batch, chunk) = claim.split_once(' ')?;
            let (batch, chunk) = (batch.to_owned(), chunk.parse().ok()?);
            return Some(Self::Claimed(Claim { batch, chunk }));
        }
        let mut all = [Self::Ready].into_iter().chain(Point::ALL.map(Self::Dies));
        all.find(|said| said.to_string() == line)
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("ready"),
            Self::Claimed(Claim { batch, chunk }) => write!(f, "claimed {batch} {chunk}"),
            Self::Dies(point) => write!(f, "dies {}", point.name()),
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
        ];
        for said in all {
            assert_eq!(Said::hear(&said.to_string()), Some(said));
        }
        assert_eq!(Said::hear("claimed nothing"), None);
        assert_eq!(Said::hear("dies of boredom"), None);
    }
}
