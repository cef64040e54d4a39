//! What a worker says to the one that watches over it: a line on its stdout for each thing.

use std::fmt;
use std::io::{self, Write};

use crate::deaths::Point;

/// One line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// It polls.
    Ready,
    /// It has claimed a chunk.
    Claimed,
    /// It is about to kill itself there.
    Dies(Point),
}

impl Said {
    /// Says it. Nobody may be left to hear.
    pub fn say(self) {
        let mut stdout = io::stdout().lock();
        let _ = writeln!(stdout, "{self}").and_then(|()| stdout.flush());
    }

    /// Understands a line; `None`: it is none of ours.
    pub fn hear(line: &str) -> Option<Self> {
        let all = [Self::Ready, Self::Claimed].into_iter();
        let mut all = all.chain(Point::ALL.map(Self::Dies));
        all.find(|said| said.to_string() == line)
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("ready"),
            Self::Claimed => f.write_str("claimed"),
            Self::Dies(point) => write!(f, "dies {}", point.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_is_heard() {
        let all = [Said::Ready, Said::Claimed, Said::Dies(Point::AfterStart)];
        for said in all {
            assert_eq!(Said::hear(&said.to_string()), Some(said));
        }
        assert_eq!(Said::hear("dies of boredom"), None);
    }
}
