//! Commands in lines, with words as `redis-cli` takes them.

/// The words of a line.
pub(super) fn words(line: &str) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_word(quoted),
            None => {
                let end = rest.find(' ').unwrap_or(rest.len());
                (rest.as_bytes()[..end].to_vec(), &rest[end..])
            }
        };
        words.push(word);
        rest = after.trim_start();
    }
    words
}

/// A word up to its closing quote, and what follows that.
fn quoted_word(text: &str) -> (Vec<u8>, &str) {
    let mut word = Vec::new();
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return (word, &text[at + 1..]),
            b'\\' => match bytes.next().expect("something is escaped").1 {
                b'x' => {
                    let digits = &text[at + 2..at + 4];
                    word.push(u8::from_str_radix(digits, 16).expect("hexadecimal digits"));
                    bytes.nth(1);
                }
                escaped => word.push(escaped),
            },
            _ => word.push(byte),
        }
    }
    panic!("a word without an end: {text}")
}

/// Visible ASCII stays as it is, so that people can read it.
pub(super) fn line_of(words: &[Vec<u8>]) -> String {
    let words: Vec<_> = words.iter().map(|word| quoted(word)).collect();
    words.join(" ") + "\n"
}

fn quoted(word: &[u8]) -> String {
    let mut quoted = String::from('"');
    for &byte in word {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b' '..=b'~' => quoted.push(char::from(byte)),
            _ => quoted.push_str(&format!("\\x{byte:02x}")),
        }
    }
    quoted + "\""
}

#[test]
fn lines_are_read_as_they_were_written() {
    let all: Vec<u8> = (0..=255).collect();
    let table = [
        vec![b"SET".to_vec(), all],
        vec![Vec::new(), b"\\x41\"".to_vec()],
    ];
    for line in table {
        assert_eq!(words(line_of(&line).trim_end()), line);
    }
    assert_eq!(words(r#"SET  "a\"b" 12"#), [&b"SET"[..], b"a\"b", b"12"]);
}
