//! Secrets that are among the first that anybody tries. Length is asked elsewhere; this only keeps out what no length saves.
//! No clock and no I/O here.

/// Long enough for a password, and yet at the top of every list of leaked ones.
const COMMON: &[&str] = &[
    "password12",
    "password123",
    "password1234",
    "passw0rd123",
    "p@ssw0rd123",
    "administrator",
    "admin12345",
    "admin123456",
    "welcome123",
    "iloveyou123",
    "letmein123",
    "changeme123",
    "qwerty12345",
    "qwerty123456",
    "1q2w3e4r5t",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "zaq12wsxcde3",
    "qazwsxedcrfv",
    "q1w2e3r4t5",
    "a123456789",
    "aa123456789",
    "abc123456789",
    "abcd123456",
    "abc1234567",
    "qq123456789",
    "woaini1314",
    "woaini520520",
    "5201314520",
    "1314520520",
    "147258369",
    "1472583690",
    "112233",
    "1122334455",
    "112358",
    "520520",
    "521521",
    "5201314",
    "131452",
    "159357",
    "147258",
    "258369",
    "789456",
    "456123",
    "liandan123",
    "liandan1234",
    "liandan2026",
];

/// Rows of a keyboard, as far as anybody slides a finger.
const ROWS: &[&str] = &["qwertyuiop", "asdfghjkl", "zxcvbnm", "1234567890", "0123456789"];

/// A pattern as short as this, repeated, is no longer than itself. Unit: characters.
const PERIOD_MAX: usize = 3;

/// Whether a secret is a common one, a sequence, or a short pattern over and over.
pub fn is_guessable(secret: &str) -> bool {
    let secret = secret.trim().to_lowercase();
    let characters: Vec<char> = secret.chars().collect();
    COMMON.contains(&secret.as_str())
        || (1..=PERIOD_MAX).any(|period| characters.len() > period && characters.iter().zip(characters.iter().skip(period)).all(|(a, b)| a == b))
        || is_sequence(&characters)
}

/// Each character is the next, or the one before, of the last, in the alphabet or on a row of the keyboard.
fn is_sequence(characters: &[char]) -> bool {
    let follows = |a: char, b: char| {
        u32::from(a) + 1 == u32::from(b)
            || ROWS.iter().any(|row| {
                let at = |character| row.chars().position(|one| one == character);
                matches!((at(a), at(b)), (Some(a), Some(b)) if a + 1 == b)
            })
    };
    let pairs = || characters.iter().zip(characters.iter().skip(1));
    characters.len() > 1 && (pairs().all(|(a, b)| follows(*a, *b)) || pairs().all(|(a, b)| follows(*b, *a)))
}

#[cfg(test)]
mod tests {
    use super::is_guessable;

    #[test]
    fn what_anybody_tries_first_is_guessable() {
        for secret in [
            "123456",
            "654321",
            "0123456789",
            "1234567890",
            "9876543210",
            "111111",
            "121212",
            "123123",
            "Password123",
            "qwertyuiop",
            "abcdefghij",
            "aaaaaaaaaa",
            "abcabcabca",
            "112233",
            " 1234567890 ",
        ] {
            assert!(is_guessable(secret), "{secret}");
        }
    }

    #[test]
    fn what_is_one_step_away_from_a_pattern_is_taken() {
        for secret in ["246810", "135791", "123465", "correct horse battery", "another good one", "0123456798", "abcabcabcd", "112234"] {
            assert!(!is_guessable(secret), "{secret}");
        }
    }
}
