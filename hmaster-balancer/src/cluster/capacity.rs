//! What servers can hold, by rules. Counterpart of the rules file of `HeterogeneousRegionCountCostFunction`.

use hmaster_types::ServerName;
use regex::Regex;

use super::Cluster;

/// Rules by host name, in the order of the file.
#[derive(Debug, Clone, Default)]
pub struct CapacityRules {
    rules: Vec<(Regex, u32)>,
    /// Lines that aren't rules, and why. Java skips them as well.
    pub skipped: Vec<String>,
}

impl CapacityRules {
    /// Reads a file's text: a pattern for whole host names, a space and a number of regions per line. Differs from Java in
    /// that the first rule that fits counts, where there it is any.
    pub fn new(text: &str) -> Self {
        let mut made = Self::default();
        for (at, line) in
            text.lines().enumerate().filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        {
            match rule(line) {
                Ok(rule) => made.rules.push(rule),
                Err(reason) => made.skipped.push(format!("line {}: {reason}", at + 1)),
            }
        }
        made
    }

    /// Regions that a server can hold.
    pub fn of(&self, server: &ServerName, default: u32) -> u32 {
        self.rules.iter().find(|(host, _)| host.is_match(server.host())).map_or(default, |(_, count)| *count)
    }
}

fn rule(line: &str) -> Result<(Regex, u32), String> {
    let (pattern, count) = line.split_once(' ').ok_or("no space between pattern and number")?;
    let count = count.parse().map_err(|_| format!("{count} is no number of regions"))?;
    let pattern = Regex::new(&format!("^(?:{pattern})$")).map_err(|error| error.to_string())?;
    Ok((pattern, count))
}

impl Cluster {
    /// Says what servers can hold.
    pub fn set_capacities(&mut self, rules: &CapacityRules, default: u32) {
        for server in &mut self.servers {
            server.capacity = rules.of(&server.name, default);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_for_whole_names_and_the_first_counts() {
        let rules = CapacityRules::new("# big ones\n\nbig[0-9]+ 300\nbig1 500\nx\n( 3\ny many\n");
        let of = |host: &str| rules.of(&format!("{host},1,1").parse().unwrap(), 200);
        assert_eq!((of("big1"), of("big12"), of("bigger1"), of("abig1")), (300, 300, 200, 200));
        assert_eq!(rules.skipped.len(), 3);
        assert!(rules.skipped[0].starts_with("line 5: no space"), "{:?}", rules.skipped);
        assert!(rules.skipped[2].contains("many is no number"), "{:?}", rules.skipped);
    }
}
