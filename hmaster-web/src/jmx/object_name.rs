//! Names of beans, and patterns of them: `domain:key=value,key=value[,*]` with `*` and `?` in domain and values.
//! Counterpart of `javax.management.ObjectName`. Quoted values aren't told apart from others.

/// A name or a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ObjectName<'a> {
    domain: &'a str,
    /// Keys with patterns of their values, in order of the keys.
    keys: Vec<(&'a str, &'a str)>,
    /// Other keys may be there, too.
    open: bool,
}

impl<'a> ObjectName<'a> {
    /// Reads a name or a pattern. As in Java nothing at all stands for everything.
    pub(super) fn parse(name: &'a str) -> Result<Self, String> {
        let name = if name.is_empty() { "*:*" } else { name };
        if name.contains('\n') {
            return Err("a bean's name has no line breaks".into());
        }
        let (domain, rest) = name.split_once(':').ok_or_else(|| format!("{name:?} has no domain"))?;
        let mut parsed = Self { domain, keys: Vec::new(), open: false };
        for part in rest.split(',') {
            parsed.add(part)?;
        }
        parsed.keys.sort_unstable();
        match parsed.keys.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            Some(pair) => Err(format!("{name:?} has the key {:?} twice", pair[0].0)),
            None => Ok(parsed),
        }
    }

    fn add(&mut self, part: &'a str) -> Result<(), String> {
        if part == "*" {
            self.open = true;
            return Ok(());
        }
        match part.split_once('=') {
            Some((key, value)) if !key.is_empty() && !value.is_empty() => {
                self.keys.push((key, value));
                Ok(())
            }
            _ => Err(format!("{part:?} isn't a key and its value")),
        }
    }

    /// Whether a bean's name is this one or fits this pattern.
    pub(super) fn matches(&self, name: &str) -> bool {
        let Ok(name) = ObjectName::parse(name) else { return false };
        let has = |(key, pattern): &(&str, &str)| {
            name.keys.iter().any(|(own, value)| own == key && is_like(pattern, value))
        };
        is_like(self.domain, name.domain)
            && (self.open || self.keys.len() == name.keys.len())
            && self.keys.iter().all(has)
    }
}

/// Whether `text` fits a pattern with `*` for any characters and `?` for one. Takes time in proportion to the product of
/// their lengths at most.
fn is_like(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<_>, Vec<_>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // After which star, and up to where in the text it reaches by now.
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => (p, t) = (p + 1, t + 1),
            _ => match &mut star {
                Some((after, reach)) => {
                    *reach += 1;
                    (p, t) = (*after, *reach);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks() {
        let cases = [
            ("", "", true),
            ("*", "", true),
            ("*", "abc", true),
            ("a*c", "abbc", true),
            ("a*b*c", "aXbYbZc", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*a", "ab", false),
            ("a", "ab", false),
            ("ab", "a", false),
            ("*.*", "a.b", true),
            ("**", "x", true),
            ("?", "é", true),
        ];
        for (pattern, text, fits) in cases {
            assert_eq!(is_like(pattern, text), fits, "{pattern:?} {text:?}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = "*a".repeat(2000) + "b";
        assert!(!is_like(&pattern, &"a".repeat(4000)));
    }
}
