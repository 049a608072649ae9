//! Sets of ASCII characters, as a table: asking whether a byte belongs to one is a lookup.

/// A set of characters; sets are bits, so that unions are too.
pub(crate) type Set = u16;

pub(crate) const DIGIT: Set = 1;
pub(crate) const HEX: Set = 1 << 1;
/// `A-Z0-9`
pub(crate) const UPPER: Set = 1 << 2;
pub(crate) const ALNUM: Set = 1 << 3;
/// Letters, digits and `_`: a word, for boundaries.
pub(crate) const WORD: Set = 1 << 4;
/// Words and `-`: base64 for URLs.
pub(crate) const DASH: Set = 1 << 5;
/// Base64 with its padding.
pub(crate) const BASE64: Set = 1 << 6;
/// Words, `-`, `.` and `=`.
pub(crate) const DOT: Set = 1 << 7;
/// Words, `-`, `.` and `~`.
pub(crate) const TILDE: Set = 1 << 8;
/// What the path of a webhook's address is made of.
pub(crate) const WEB: Set = 1 << 9;
/// What Django's `get_random_secret_key` draws from, in either case, and the characters of hand-made ones.
pub(crate) const DJANGO_KEY: Set = 1 << 10;
/// How many sets there are that runs are made of.
pub(crate) const SETS: usize = 11;
/// Without `:` a text has no URL.
pub(crate) const COLON: Set = 1 << 11;
/// Without `@` it has none with a user.
pub(crate) const SIGN: Set = 1 << 12;
/// Without `=`, `:`, `>` or `'` it has no pairs.
pub(crate) const PAIR: Set = 1 << 13;
/// Without `%` it has no percent-encoding.
pub(crate) const PERCENT: Set = 1 << 14;

static TABLE: [Set; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let c = byte as u8;
        let mut sets = 0;
        if c.is_ascii_digit() {
            sets |= DIGIT;
        }
        if c.is_ascii_hexdigit() {
            sets |= HEX;
        }
        if c.is_ascii_digit() || c.is_ascii_uppercase() {
            sets |= UPPER;
        }
        if c.is_ascii_alphanumeric() {
            sets |= ALNUM | WORD | DASH | BASE64 | DOT | TILDE | WEB;
        }
        match c {
            b'_' => sets |= WORD | DASH | DOT | TILDE | WEB,
            b'-' => sets |= DASH | DOT | TILDE | WEB,
            b'.' => sets |= DOT | TILDE | WEB,
            b'=' => sets |= DOT | BASE64 | PAIR,
            b'~' => sets |= TILDE,
            b'+' => sets |= BASE64,
            b'/' => sets |= BASE64 | WEB,
            b'@' => sets |= WEB | SIGN,
            b':' => sets |= COLON | PAIR,
            b'>' | b'\'' => sets |= PAIR,
            b'%' => sets |= PERCENT,
            _ => {}
        }
        if c.is_ascii_alphanumeric()
            || matches!(
                c,
                b'!' | b'@' | b'#' | b'$' | b'%' | b'^' | b'&' | b'*' | b'(' | b'-' | b'_' | b'=' | b'+' | b')' | b'.'
            )
        {
            sets |= DJANGO_KEY;
        }
        table[byte] = sets;
        byte += 1;
    }
    table
};

/// Whether the byte belongs to one of the sets.
pub(crate) fn is(byte: u8, sets: Set) -> bool {
    TABLE[byte as usize] & sets != 0
}

/// The sets to which some character of the text belongs.
pub(crate) fn sets_of(text: &[u8]) -> Set {
    text.iter().fold(0, |sets, byte| sets | TABLE[*byte as usize])
}

/// Whether the byte at `at` belongs to one of the sets; beyond the end none does.
pub(crate) fn at(text: &[u8], at: usize, sets: Set) -> bool {
    text.get(at).is_some_and(|byte| is(*byte, sets))
}

/// Where the run of characters of a set that begins at `start` ends.
#[inline(never)]
pub(crate) fn run(text: &[u8], start: usize, sets: Set) -> usize {
    let mut end = start;
    while at(text, end, sets) {
        end += 1;
    }
    end
}

/// Where the run of characters of a set that ends before `end` begins; looks at no more than `most`.
#[inline(never)]
pub(crate) fn run_back(text: &[u8], end: usize, sets: Set, most: usize) -> usize {
    let mut start = end;
    while start > 0 && end - start < most && at(text, start - 1, sets) {
        start -= 1;
    }
    start
}

/// The part of a text between two places, whatever they are: out of range is empty.
pub(crate) fn cut(text: &[u8], start: usize, end: usize) -> &[u8] {
    text.get(start..end).unwrap_or_default()
}

/// Whether `text` holds `needle`, in any case of letters. For short texts: takes the product of both lengths at worst.
#[inline(never)]
pub(crate) fn contains(text: &[u8], needle: &str) -> bool {
    let needle = needle.as_bytes();
    text.len() >= needle.len() && text.windows(needle.len()).any(|window| window.eq_ignore_ascii_case(needle))
}

/// Whether `text` begins with `prefix`, in any case of letters.
#[inline(never)]
pub(crate) fn starts(text: &[u8], prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
}

/// Whether `text` ends with `suffix`, in any case of letters.
#[inline(never)]
pub(crate) fn ends(text: &[u8], suffix: &str) -> bool {
    // The last characters tell most words apart, for less than a comparison of all.
    let last = |text: &[u8]| text.last().map(u8::to_ascii_lowercase);
    text.len() >= suffix.len()
        && last(text) == last(suffix.as_bytes())
        && cut(text, text.len() - suffix.len(), text.len()).eq_ignore_ascii_case(suffix.as_bytes())
}

/// Whether `text` is one of these, in any case of letters.
#[inline(never)]
pub(crate) fn among(text: &[u8], list: &[&str]) -> bool {
    list.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()))
}

/// Whether `text` is one of the words of a list, in any case of letters. One string takes half the room of many.
#[inline(never)]
pub(crate) fn listed(text: &[u8], words: &str) -> bool {
    words.as_bytes().split(|byte| *byte == b' ').any(|word| text.eq_ignore_ascii_case(word))
}

/// How many different characters there are, up to 255.
pub(crate) fn variety(text: &[u8]) -> u32 {
    let mut seen = [0u64; 4];
    for byte in text {
        seen[(byte >> 6) as usize] |= 1 << (byte & 63);
    }
    seen.iter().map(|bits| bits.count_ones()).sum()
}
