//! Configuration folders on which we and Java have to agree.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Result;
use fastrand::Rng;

/// Random folders beside the hand-written ones.
const RANDOM: u64 = 150;

/// Keys that Java's command line parser sets by itself.
pub(crate) const JAVA_ONLY: &[&str] = &["mapreduce.client.genericoptionsparser.used"];

/// Keys and values that have to survive being written by us and read by Java.
pub(crate) const PAIRS_TO_WRITE: &[(&str, &str)] = &[
    ("w.plain", "1"),
    ("w.empty", ""),
    ("w.blank", " \t "),
    ("w.lines", "\na\r\nb\r"),
    ("w<b>&\"c\"'d", "<![CDATA[x]]>&lt;"),
    ("w.scripts", "é漢😀\u{85}\u{2028}"),
    ("w.hdfs", "hdfs://nn:8020/hbase"),
];

/// The files of a folder, and the command line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Case {
    files: Vec<(&'static str, Vec<u8>)>,
    /// Arguments such as `-D`, `key=value`.
    pub(crate) arguments: Vec<String>,
    /// True when only what follows for the cluster is asked.
    pub(crate) is_cluster: bool,
}

impl Case {
    fn hbase(text: impl Into<Vec<u8>>) -> Self {
        Self::default().file("hbase-site.xml", text)
    }

    /// A file with these elements in it.
    fn elements(elements: &str) -> Self {
        Self::hbase(format!("<configuration>\n{elements}\n</configuration>"))
    }

    fn file(mut self, name: &'static str, text: impl Into<Vec<u8>>) -> Self {
        self.files.push((name, text.into()));
        self
    }

    fn set(mut self, pair: &str) -> Self {
        self.arguments.extend(["-D".to_owned(), pair.to_owned()]);
        self
    }

    /// The values of `-D`.
    pub(crate) fn overrides(&self) -> impl Iterator<Item = &str> {
        self.arguments.iter().filter(|argument| *argument != "-D").map(String::as_str)
    }

    /// Writes the folder.
    pub(crate) fn write(&self, folder: &Path) -> Result<PathBuf> {
        fs::create_dir_all(folder)?;
        for (name, text) in &self.files {
            fs::write(folder.join(name), text)?;
        }
        Ok(folder.to_owned())
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, text) in &self.files {
            writeln!(f, "{name}: {}", String::from_utf8_lossy(&text[..text.len().min(2_000)]))?;
        }
        write!(f, "{:?}", self.arguments)
    }
}

/// All cases; the first is an empty folder, and clusters come last.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = vec![Case::default()];
    cases.extend(ELEMENTS.iter().map(|elements| Case::elements(elements)));
    cases.extend(FILES.iter().map(|text| Case::hbase(*text)));
    cases.extend(encodings());
    cases.extend(layers());
    cases.push(typed());
    cases.extend((0..RANDOM).map(random));
    cases.extend(clusters());
    cases
}

/// What stands between `<configuration>` and `</configuration>`.
const ELEMENTS: &[&str] = &[
    "<property><name>a</name><value>1</value></property>",
    "<property><name> a\n</name><value> 1 </value></property>",
    "<property><name>a</name><value></value></property>",
    "<property><name>hbase.master.port</name><value/></property>",
    "<property name='hbase.master.port' value=''/>",
    "<property><name>a</name></property>",
    "<property><name></name><value>1</value></property>",
    "<property><value>1</value></property>",
    "<property><value>1</value><name>a</name></property>",
    "<property><name>a</name><value>1</value><value>2</value></property>",
    "<property><name>a</name><value>1</value><value/></property>",
    "<property><name>a</name><name>b</name><value>1</value></property>",
    "<property><name>a</name><value>1<!-- no -->2<?no no?>3</value></property>",
    "<property><name>a</name><value>1<b>2</b>3</value></property>",
    "<property><name>a</name><value><![CDATA[<&>]]>&lt;&#x41;&#66;&apos;&quot;&amp;</value></property>",
    "<property><name>a</name><value>x\r\ny\rz\n</value></property>",
    "<property><name>a</name><value>é漢😀</value></property>",
    "<property name='a' value='1'/><property name='b' value='x\n\ty' final='true'/>",
    "<property name='a' value='1'><value>2</value></property>",
    "<property name='a' value='1'><value/></property>",
    "<property value='1'><name>a</name></property>",
    "<x><property><name>a</name><value>1</value></property></x>",
    "<configuration><property><name>a</name><value>1</value></property></configuration>",
    "<property><x><name>a</name><value>1</value></x></property>",
    "<h:property xmlns:h='u'><h:name>a</h:name><h:value>1</h:value></h:property>",
    "<property><name>a</name><value>1</value><source>s</source><tag>t</tag><description>d</description></property>",
    "<property><name>a</name><value>1</value></property><property><name>a</name><value>2</value></property>",
    "<property><name>a</name><value>1</value><final>true</final></property><property><name>a</name><value>2</value></property>",
    "<property><name>a</name><value>1</value><final>True</final></property><property><name>a</name><value>2</value></property>",
    "<property><name>a</name><value>1</value><final> true </final></property><property><name>a</name><value>2</value></property>",
    "<property><name>a</name><value>1</value><final>true</final><final>false</final></property><property name='a' value='2'/>",
    "<property><name>a</name><final>true</final></property><property><name>a</name><value>2</value></property>",
    "<property name='a' value='1' final='TRUE'/><property name='a' value='2'/>",
    "<property name='fs.default.name' value='hdfs://a'/><property name='fs.defaultFS' value='hdfs://b'/>",
    "<property name='fs.defaultFS' value='hdfs://b' final='true'/><property name='fs.default.name' value='hdfs://a'/>",
    "<property name='fs.default.name' value='hdfs://a' final='true'/><property name='fs.defaultFS' value='hdfs://b'/>",
    "<property name='dfs.replication.interval' value='1'/><property name='dfs.namenode.replication.interval' value='2'/>",
    "<property name='hbase.regionserver.hostname' value='h'/>",
    "<property name='hbase.normalizer.min.region.count' value='9'/>",
    "<property name='x' value='${user.name}/${user.home}/${java.io.tmpdir}/${file.separator}${os.name}${os.arch}'/>",
    "<property name='x' value='${hbase.tmp.dir} ${hbase.rootdir} ${fs.default.name}'/>",
    "<property name='x' value='${no.such}/${user.name}'/><property name='y' value='${user.name}/${no.such}/${user.name}'/>",
    "<property name='x' value='${x}'/><property name='y' value='1${y}'/><property name='z' value='${user.name}${z}'/>",
    "<property name='x' value='${y}'/><property name='y' value='${x}'/>",
    "<property name='x' value='${y}'/><property name='y' value='${z}'/><property name='z' value='end'/>",
    "<property name='x' value='${${y}}'/><property name='y' value='z'/><property name='z' value='end'/>",
    "<property name='x' value='$${y}{y}'/><property name='y' value='$'/>",
    "<property name='x' value='${} ${ } ${y ${y$ ${y'/><property name='y' value='1'/>",
    "<property name='x' value='${a{b}${a{b'/><property name='a{b' value='1'/>",
    "<property name='x' value='{${y}}'/><property name='y' value='1'/>",
    "<property name='x' value='${env.PARITY_SET}|${env.PARITY_EMPTY}|'/>",
    "<property name='x' value='${env.PARITY_NONE}'/><property name='y' value='${env.}'/><property name='z' value='${env}'/>",
    "<property name='x' value='${env.PARITY_SET:-d}|${env.PARITY_EMPTY:-d}|${env.PARITY_NONE:-d}'/>",
    "<property name='x' value='${env.PARITY_SET-d}|${env.PARITY_EMPTY-d}|${env.PARITY_NONE-d}'/>",
    "<property name='x' value='${env.PARITY_NONE-a-b}${env.PARITY_NONE:-a:-b}${env.PARITY_NONE-}|${env.PARITY_NONE:-}|'/>",
    "<property name='x' value='${env.PARITY_NONE:x-d}|${env.-d}|${env.:-d}'/>",
    "<property name='x' value='${env.PARITY_NONE}'/><property name='env.PARITY_NONE' value='key'/>",
    "<property name='x' value='${y}${y}${y}${y}${y}${y}${y}${y}${y}${y}${y}${y}${y}${y}${y}${y}${y}${y}${y}'/><property name='y' value='1'/>",
    "<property name='x' value='${y}${y}${y}${y}${y}${y}${y}${y}${y}${y}${y}${y}${y}${y}${y}${y}${y}${y}${y}${y}'/><property name='y' value='1'/>",
    "<property name='user.name' value='key'/><property name='x' value='${user.name}'/>",
    // Not well-formed.
    "<property><name>a</name><value>1</property>",
    "<property><name>a & b</name></property>",
    "<property><name>a &nbsp; b</name></property>",
    "<property name='a' name='b'/>",
    "<xi:include href='x'/>",
    "</configuration><configuration>",
];

/// Whole files.
const FILES: &[&str] = &[
    "",
    "garbage",
    "<configuration/>",
    "<configuration>",
    "<?xml version='1.0'?>\n<?xml-stylesheet type='text/xsl' href='configuration.xsl'?>\n<!-- c -->\n<configuration><property name='a' value='1'/></configuration>\n<!-- end -->",
    "<property><name>a</name><value>1</value></property>",
    "<anything><property><name>a</name><value>1</value></property></anything>",
    "<?xml version='1.1'?><configuration><property name='a' value='1'/></configuration>",
    " <?xml version='1.0'?><configuration/>",
];

fn encodings() -> Vec<Case> {
    let text = "<configuration><property name='a' value='é'/></configuration>";
    let declared = |encoding| format!("<?xml version='1.0' encoding='{encoding}'?>{text}");
    let latin1 = |text: &str| text.chars().map(|c| c as u8).collect::<Vec<_>>();
    let utf16 = |bytes: fn(u16) -> [u8; 2], text: &str| {
        format!("\u{feff}{text}").encode_utf16().flat_map(bytes).collect::<Vec<_>>()
    };
    vec![
        Case::hbase(format!("\u{feff}{text}")),
        Case::hbase(declared("UTF-8")),
        Case::hbase(declared("utf-8")),
        Case::hbase(latin1(&declared("ISO-8859-1"))),
        Case::hbase(latin1(&declared("UTF-8"))),
        Case::hbase(utf16(u16::to_be_bytes, text)),
        Case::hbase(utf16(u16::to_le_bytes, &declared("UTF-16"))),
        Case::hbase(latin1(text)),
    ]
}

/// Several files, and the command line.
fn layers() -> Vec<Case> {
    let site = |inner: &str| format!("<configuration>{inner}</configuration>");
    let core = |inner: &str| Case::default().file("core-site.xml", site(inner));
    let three =
        |a: &str, b: &str, c: &str| core(a).file("hdfs-site.xml", site(b)).file("hbase-site.xml", site(c));
    vec![
        three(
            "<property name='a' value='1'/>",
            "<property name='a' value='2'/>",
            "<property name='a' value='3'/>",
        ),
        three(
            "<property name='a' value='1' final='true'/>",
            "<property name='a' value='2'/>",
            "<property name='a' value='3'/>",
        ),
        three(
            "<property name='a' value='1'/>",
            "<property name='a' value='2' final='true'/>",
            "<property name='a' value='3'/>",
        ),
        three(
            "<property name='hadoop.policy.file' value='mine'/><property name='hbase.rootdir' value='core'/>",
            "<property name='dfs.client.read.shortcircuit' value='true'/>",
            "",
        ),
        core("<property name='hbase.rootdir' value='final' final='true'/>"),
        core("<property name='hadoop.tmp.dir' value='/t'/>")
            .file("hbase-site.xml", site("<property name='x' value='${hadoop.tmp.dir}'/>")),
        Case::elements("<property name='a' value='1' final='true'/>").set("a=D").set("b= D "),
        Case::elements("<property name='fs.defaultFS' value='hdfs://a' final='true'/>")
            .set("fs.default.name=hdfs://d"),
        Case::elements("<property name='fs.default.name' value='hdfs://a'/>").set("fs.defaultFS=hdfs://d"),
        Case::default().set("fs.default.name=hdfs://1").set("fs.defaultFS=hdfs://2"),
        Case::default().set("fs.defaultFS=hdfs://2").set("fs.default.name=hdfs://1"),
        Case::default().set("a=1").set("a=2").set("b=x=y").set("c=${a}"),
        Case::default().set("hbase.master.port="),
        core("garbage"),
    ]
}

/// Texts for every getter.
fn typed() -> Case {
    let texts = [
        "0",
        "5",
        " 5 ",
        "\n5\n",
        "+5",
        "-5",
        "0x1F",
        "0X1f",
        "-0x10",
        "0x-10",
        "-0x-1",
        "0x",
        "0x+5",
        "2147483647",
        "2147483648",
        "-2147483648",
        "-0x80000000",
        "9223372036854775807",
        "9223372036854775808",
        "5L",
        "5l",
        "1_000",
        "1e3",
        "1,5",
        "true",
        "TRUE",
        " False ",
        "yes",
        "1.5",
        "1.5f",
        "1.5F",
        "1.5d",
        "1.5ff",
        ".5",
        "5.",
        "-.5e-3",
        "1e400",
        "1e40",
        "NaN",
        "nan",
        "-NaN",
        "Infinity",
        "+Infinity",
        "-Infinity",
        "inf",
        "infinity",
        "f",
        "e",
        "-",
        "+",
        ".",
        "k",
        "1k",
        "1K",
        " 64m ",
        "-2g",
        "7e",
        "8e",
        "1t",
        "1p",
        "1kb",
        "1 k",
        "5ns",
        "5us",
        "1500us",
        "5ms",
        "5s",
        "5S",
        "5m",
        "5h",
        "5d",
        "5 s",
        "s",
        "ms",
        "-1s",
        "-1500us",
        "9223372036854775807d",
        "5x",
        "a,b",
        " a , b,,c ",
        ",",
        ",,",
        "a\n,\nb",
        " ",
        "1e",
        "1d",
        "0.1e1d",
        "00012",
        "-0",
        "1..2",
        "1e+5",
        "1e5.5",
    ];
    let property = |(number, text): (usize, &&str)| {
        format!("<property name='typed.{number}'><value>{text}</value></property>")
    };
    let elements: String = texts.iter().enumerate().map(property).collect();
    Case::elements(&format!("{elements}<property name='typed.empty' value=''/>"))
}

/// Root directories and quorums. Host names have to be this machine's: Java looks them up.
fn clusters() -> Vec<Case> {
    let case = |pairs: &[(&str, &str)]| {
        let property = |(key, value): &(&str, &str)| format!("<property name='{key}' value='{value}'/>");
        let elements: String = pairs.iter().chain(&[("parity.cluster", "1")]).map(property).collect();
        Case { is_cluster: true, ..Case::elements(&elements) }
    };
    let (a, b) = ("hdfs://127.0.0.1:8020", "hdfs://localhost:8021");
    vec![
        case(&[]),
        case(&[("hbase.rootdir", "file:///d/h")]),
        case(&[("hbase.rootdir", "/d//h/")]),
        case(&[("hbase.rootdir", &format!("{a}/hbase/"))]),
        case(&[("hbase.rootdir", "/hbase"), ("fs.defaultFS", a)]),
        case(&[("hbase.rootdir", "/hbase"), ("fs.default.name", "127.0.0.1:8020")]),
        case(&[("hbase.rootdir", "/hbase"), ("fs.defaultFS", &format!("{a}/"))]),
        case(&[("hbase.rootdir", "hdfs:///hbase"), ("fs.defaultFS", a)]),
        case(&[("hbase.rootdir", "hdfs:///hbase")]),
        case(&[("hbase.rootdir", "file:///h"), ("fs.defaultFS", a)]),
        case(&[("hbase.rootdir", &format!("{a}/h")), ("hbase.wal.dir", &format!("{b}/w"))]),
        case(&[("hbase.rootdir", &format!("{a}/h")), ("hbase.wal.dir", &format!("{a}/h/w"))]),
        case(&[("hbase.rootdir", &format!("{a}/h")), ("hbase.wal.dir", &format!("{a}/h-w"))]),
        case(&[("hbase.rootdir", "/h"), ("hbase.wal.dir", &format!("{b}/w"))]),
        case(&[("hbase.rootdir", "/h"), ("hbase.wal.dir", &format!("{b}/w")), ("fs.defaultFS", a)]),
        case(&[("hbase.rootdir", &format!("{a}/h")), ("hbase.wal.dir", "/w"), ("fs.defaultFS", a)]),
        case(&[("hbase.zookeeper.quorum", "a,b,c")]),
        case(&[("hbase.zookeeper.quorum", "a:1,b,c:3"), ("hbase.zookeeper.property.clientPort", "2222")]),
        case(&[("hbase.zookeeper.quorum", "a,,b"), ("hbase.zookeeper.property.clientPort", "0x10")]),
    ]
}

/// A few properties over few keys, so that they meet.
fn random(seed: u64) -> Case {
    const KEYS: [&str; 9] = [
        "a",
        "b",
        "c",
        "fs.defaultFS",
        "fs.default.name",
        "hbase.tmp.dir",
        "hbase.rootdir",
        "dfs.block.size",
        "dfs.blocksize",
    ];
    const PIECES: [&str; 16] = [
        "x",
        " ",
        "/",
        "${a}",
        "${b}",
        "${c}",
        "${user.name}",
        "${hbase.tmp.dir}",
        "${fs.default.name}",
        "${no}",
        "$",
        "{",
        "}",
        "${env.PARITY_EMPTY:-${a}}",
        "${env.PARITY_SET}",
        "${",
    ];
    let mut rng = Rng::with_seed(seed);
    let mut case = Case::default();
    for name in ["core-site.xml", "hdfs-site.xml", "hbase-site.xml"] {
        let mut inner = String::new();
        for _ in 0..rng.usize(0..6) {
            let key = KEYS[rng.usize(..KEYS.len())];
            let value: String = (0..rng.usize(0..5)).map(|_| PIECES[rng.usize(..PIECES.len())]).collect();
            let is_final = if rng.u8(..4) == 0 { "true" } else { "false" };
            inner += &match rng.u8(..3) {
                0 => format!("<property name='{key}' value='{value}' final='{is_final}'/>\n"),
                1 => format!(
                    "<property><name>{key}</name><value>{value}</value><final>{is_final}</final></property>\n"
                ),
                _ => format!(
                    "<property><final>{is_final}</final><value><![CDATA[{value}]]></value><name> {key} </name></property>\n"
                ),
            };
        }
        if rng.u8(..4) > 0 {
            case = case.file(name, format!("<configuration>\n{inner}</configuration>"));
        }
    }
    for _ in 0..rng.usize(0..3) {
        let value: String = (0..rng.usize(1..4)).map(|_| PIECES[rng.usize(..PIECES.len())]).collect();
        case = case.set(&format!("{}={value}", KEYS[rng.usize(..KEYS.len())]));
    }
    case
}
