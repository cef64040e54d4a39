//! SHA-256, as hex digits.

use sha2::{Digest, Sha256};

/// The bytes as hex digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SHA-256 of what is given, as 64 hex digits.
pub fn sha256(of: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(of))
}

/// Its first 64 bits, as 16 hex digits.
pub fn short(of: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(of)[..8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_standards() {
        // The test vector of FIPS 180-2 for "abc".
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256("abc"), abc);
        assert_eq!(short("abc"), abc[..16]);
    }
}
