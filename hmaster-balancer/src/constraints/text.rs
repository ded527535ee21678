//! Constraints as people write them down: a rule a line, words between spaces, `#` begins a comment.
//!
//! ```text
//! group analytics servers rs7.example.org rs8.example.org:16020 big* tables logs:raw logs:daily
//! system servers rs1.example.org
//! favour orders servers rs2.example.org rs3.example.org
//! forbid orders servers rs4.example.org
//! pin 4b7c9e01d2f3a4b5c6d7e8f901234567
//! isolate meta
//! isolate system
//! apart replicas
//! moves 500
//! moves-per-table 50
//! moves-per-server 20
//! ```
//!
//! A server is a host, a host with a port, or a full name; a `*` at the end stands for anything. A region is its encoded
//! or its full name. Names are looked up in the cluster for each plan, so that a server may come and go.

use std::collections::BTreeSet;
use std::str::{FromStr, SplitAsciiWhitespace};

use hmaster_types::{ServerName, TableName};

use super::{Broken, Constraints, Group};
use crate::cluster::Cluster;
use crate::error::BalancerError;

/// Constraints before their names are looked up.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConstraintsText(Vec<Rule>);

#[derive(Debug, Clone, PartialEq)]
enum Rule {
    Group { name: String, servers: Vec<String>, tables: BTreeSet<String> },
    System(Vec<String>),
    Favour(String, Vec<String>),
    Forbid(String, Vec<String>),
    Pin(Vec<String>),
    IsolateMeta,
    IsolateSystem,
    Apart,
    Moves(usize),
    MovesPerTable(usize),
    MovesPerServer(usize),
}

impl FromStr for ConstraintsText {
    type Err = BalancerError;

    fn from_str(text: &str) -> Result<Self, BalancerError> {
        let mut rules = Vec::new();
        let mut grouped = BTreeSet::new();
        for (at, line) in text.lines().enumerate() {
            let wrong = |reason| BalancerError::ConstraintLine { line: at + 1, reason };
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_ascii_whitespace();
            let Some(word) = words.next() else { continue };
            let rule = Rule::read(word, &mut words).map_err(wrong)?;
            if let Rule::Group { tables, .. } = &rule
                && let Some(twice) = tables.iter().find(|table| !grouped.insert((*table).clone()))
            {
                return Err(wrong(format!("table {twice} is in another group already")));
            }
            rules.push(rule);
        }
        Ok(Self(rules))
    }
}

impl ConstraintsText {
    /// Adds the constraints to what there is, with the names that they have in this cluster. What isn't there is told of
    /// in [`Constraints::absent`].
    pub fn add_to(&self, constraints: &mut Constraints, cluster: &Cluster) {
        let servers: Vec<&ServerName> =
            cluster.servers().map(|server| &cluster.server(server).name).collect();
        self.look_up(constraints, &servers, Some(cluster));
    }

    /// The same where regions are placed that are nowhere yet: for these servers, and without pinned regions.
    pub fn add_to_servers(&self, constraints: &mut Constraints, servers: &[ServerName]) {
        self.look_up(constraints, &servers.iter().collect::<Vec<_>>(), None);
    }

    fn look_up(&self, constraints: &mut Constraints, usable: &[&ServerName], cluster: Option<&Cluster>) {
        let mut absent = Vec::new();
        for rule in &self.0 {
            let mut found = |constraint: &str, patterns: &[String]| {
                let mut servers = BTreeSet::new();
                for pattern in patterns {
                    let before = servers.len();
                    servers.extend(usable.iter().filter(|name| is_match(name, pattern)).copied().cloned());
                    if servers.len() == before {
                        let reason = format!("no usable server is {pattern}");
                        absent.push(Broken { constraint: constraint.to_owned(), reason });
                    }
                }
                servers
            };
            match rule {
                Rule::Group { name, servers, tables } => {
                    let servers = found(&format!("group {name}"), servers);
                    constraints.groups.push(Group { name: name.clone(), servers, tables: tables.clone() });
                }
                Rule::System(servers) => constraints.system_servers.extend(found("system servers", servers)),
                Rule::Favour(table, servers) => {
                    let servers = found(&format!("favoured servers of {table}"), servers);
                    constraints.favoured.entry(table.clone()).or_default().extend(servers);
                }
                Rule::Forbid(table, servers) => {
                    let servers = found(&format!("forbidden servers of {table}"), servers);
                    constraints.forbidden.entry(table.clone()).or_default().extend(servers);
                }
                Rule::Pin(regions) => {
                    if let Some(cluster) = cluster {
                        pin(constraints, regions, cluster, &mut absent);
                    }
                }
                Rule::IsolateMeta => constraints.isolate_meta = true,
                Rule::IsolateSystem => constraints.isolate_system = true,
                Rule::Apart => constraints.apart = true,
                Rule::Moves(max) => constraints.moves_max = Some(*max),
                Rule::MovesPerTable(max) => constraints.moves_per_table_max = Some(*max),
                Rule::MovesPerServer(max) => constraints.moves_per_server_max = Some(*max),
            }
        }
        constraints.absent.extend(absent);
        constraints.absent.extend(shared(&constraints.groups));
    }
}

impl Rule {
    fn read(word: &str, words: &mut SplitAsciiWhitespace<'_>) -> Result<Self, String> {
        let name =
            |words: &mut SplitAsciiWhitespace<'_>| words.next().map(str::to_owned).ok_or("a name is missing");
        let rule = match word {
            "group" => {
                let name = name(words)?;
                let listed: Vec<&str> = words.by_ref().collect();
                let (servers, tables) = listed
                    .iter()
                    .position(|word| *word == "tables")
                    .map(|at| (&listed[..at], &listed[at + 1..]))
                    .filter(|(servers, tables)| {
                        servers.len() > 1 && servers[0] == "servers" && !tables.is_empty()
                    })
                    .ok_or("a group is `group NAME servers SERVER... tables TABLE...`")?;
                let tables = tables.iter().map(|table| self::table(table)).collect::<Result<_, _>>()?;
                Self::Group { name, servers: servers[1..].iter().map(|s| (*s).to_owned()).collect(), tables }
            }
            "system" => Self::System(servers(words)?),
            "favour" => Self::Favour(table(&name(words)?)?, servers(words)?),
            "forbid" => Self::Forbid(table(&name(words)?)?, servers(words)?),
            "pin" => {
                let regions: Vec<String> = words.by_ref().map(str::to_owned).collect();
                if regions.is_empty() {
                    return Err("which region?".to_owned());
                }
                Self::Pin(regions)
            }
            "isolate" => match words.next() {
                Some("meta") => Self::IsolateMeta,
                Some("system") => Self::IsolateSystem,
                other => {
                    return Err(format!("isolate {}: neither meta nor system", other.unwrap_or_default()));
                }
            },
            "apart" => match words.next() {
                Some("replicas") => Self::Apart,
                other => return Err(format!("apart {}: not replicas", other.unwrap_or_default())),
            },
            "moves" => Self::Moves(number(words)?),
            "moves-per-table" => Self::MovesPerTable(number(words)?),
            "moves-per-server" => Self::MovesPerServer(number(words)?),
            _ => return Err(format!("unknown rule {word}")),
        };
        match words.next() {
            None => Ok(rule),
            Some(more) => Err(format!("{more} is too much")),
        }
    }
}

fn servers(words: &mut SplitAsciiWhitespace<'_>) -> Result<Vec<String>, String> {
    if words.next() != Some("servers") {
        return Err("the word servers is missing".to_owned());
    }
    let servers: Vec<String> = words.by_ref().map(str::to_owned).collect();
    if servers.is_empty() { Err("which servers?".to_owned()) } else { Ok(servers) }
}

fn table(text: &str) -> Result<String, String> {
    text.parse::<TableName>().map(|table| table.to_string()).map_err(|error| error.to_string())
}

fn number(words: &mut SplitAsciiWhitespace<'_>) -> Result<usize, String> {
    let word = words.next().ok_or("how many?")?;
    word.parse().map_err(|_| format!("{word} is no number of moves"))
}

fn is_match(name: &ServerName, pattern: &str) -> bool {
    let forms = [name.host().to_owned(), format!("{}:{}", name.host(), name.port()), name.to_string()];
    let pattern = pattern.to_ascii_lowercase();
    forms.iter().map(|form| form.to_ascii_lowercase()).any(|form| match pattern.strip_suffix('*') {
        Some(begin) => form.starts_with(begin),
        None => form == pattern,
    })
}

fn pin(constraints: &mut Constraints, regions: &[String], cluster: &Cluster, absent: &mut Vec<Broken>) {
    let mut wanted: BTreeSet<&str> = regions.iter().map(String::as_str).collect();
    // Nearly all are pinned by encoded name; only a full name needs the text of every region.
    let by_text = regions.iter().any(|region| region.contains(','));
    for region in cluster.regions() {
        let name = cluster.region_name(region);
        let encoded = encoded(name).filter(|encoded| wanted.contains(encoded)).map(str::to_owned);
        let text = by_text.then(|| cluster.region_text(region)).filter(|text| wanted.contains(&text[..]));
        for found in encoded.iter().chain(&text) {
            wanted.remove(&found[..]);
            constraints.pinned.insert(name.to_vec());
        }
    }
    for missing in wanted {
        let reason = format!("no region is {missing}");
        absent.push(Broken { constraint: "pinned region".to_owned(), reason });
    }
}

/// The encoded name at the end of a full name.
fn encoded(name: &[u8]) -> Option<&str> {
    let rest = name.strip_suffix(b".")?;
    let dot = rest.iter().rposition(|&byte| byte == b'.')?;
    std::str::from_utf8(&rest[dot + 1..]).ok()
}

/// Servers that are in two groups.
fn shared(groups: &[Group]) -> Vec<Broken> {
    let mut seen = BTreeSet::new();
    let servers = groups.iter().flat_map(|group| group.servers.iter().map(move |server| (server, group)));
    servers
        .filter(|(server, _)| !seen.insert(*server))
        .map(|(server, group)| Broken {
            constraint: format!("group {}", group.name),
            reason: format!("{server} is in another group as well"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use hmaster_types::StartCode;

    use super::*;
    use crate::{ClusterBuilder, Server, rack_by_host_name};

    fn cluster() -> Cluster {
        let names: Vec<ServerName> = ["a1", "a2", "b1"]
            .iter()
            .map(|host| ServerName::new(host, 16020, StartCode(7)).unwrap())
            .collect();
        let mut builder = ClusterBuilder::new(&names, &[], rack_by_host_name);
        for name in ["t,,1.00000000000000000000000000000001.", "ns:u,,1.00000000000000000000000000000002."] {
            builder.region(name.as_bytes(), Server(0), [0.0; 4]).unwrap();
        }
        builder.build().unwrap()
    }

    #[test]
    fn names_are_looked_up() {
        let text = "# who is where\n\
            group g servers A1 b1:16020 tables ns:u\n\
            favour t servers a*   # both\n\
            forbid t servers a2,16020,7\n\
            pin 00000000000000000000000000000001 t,,1.00000000000000000000000000000001.\n\
            isolate meta\nisolate system\napart replicas\nmoves 9\nmoves-per-table 8\nmoves-per-server 7\n";
        let text: ConstraintsText = text.parse().unwrap();
        let mut made = Constraints::default();
        text.add_to(&mut made, &cluster());
        let hosts = |servers: &BTreeSet<ServerName>| -> Vec<String> {
            servers.iter().map(|server| server.host().to_owned()).collect()
        };
        assert_eq!(hosts(&made.groups[0].servers), ["a1", "b1"]);
        assert_eq!(hosts(&made.favoured["t"]), ["a1", "a2"]);
        assert_eq!(hosts(&made.forbidden["t"]), ["a2"]);
        assert_eq!(made.pinned.len(), 1);
        assert!(made.isolate_meta && made.isolate_system && made.apart && made.absent.is_empty());
        let caps = (made.moves_max, made.moves_per_table_max, made.moves_per_server_max);
        assert_eq!(caps, (Some(9), Some(8), Some(7)));
    }

    #[test]
    fn what_is_not_there_is_told() {
        let text = "group g servers c9 a1 tables t\ngroup h servers a1 tables ns:u\npin ffff\n";
        let mut made = Constraints::default();
        text.parse::<ConstraintsText>().unwrap().add_to(&mut made, &cluster());
        let told: Vec<String> =
            made.absent.iter().map(|b| format!("{}: {}", b.constraint, b.reason)).collect();
        assert_eq!(
            told,
            [
                "group g: no usable server is c9",
                "pinned region: no region is ffff",
                "group h: a1,16020,7 is in another group as well"
            ]
        );
    }

    #[test]
    fn bad_lines_are_named() {
        for (text, said) in [
            ("\nmove 3", "line 2: unknown rule move"),
            ("moves", "how many?"),
            ("moves -1", "-1 is no number of moves"),
            ("moves 1 2", "2 is too much"),
            ("pin", "which region?"),
            ("group g", "group NAME servers"),
            ("group g servers tables t", "group NAME servers"),
            ("group g servers a tables", "group NAME servers"),
            ("group g servers a tables t\ngroup h servers b tables t", "line 2: table t is in another group"),
            ("favour t a", "servers is missing"),
            ("favour t servers", "which servers?"),
            ("favour", "a name is missing"),
            ("forbid a/b servers x", "a/b"),
            ("isolate users", "neither meta nor system"),
            ("apart", "not replicas"),
            ("\u{0}\u{1}", "unknown rule"),
        ] {
            let error = text.parse::<ConstraintsText>().expect_err(text).to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }
}
