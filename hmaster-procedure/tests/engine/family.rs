//! The scripts that are crashed, interleaved and undone.

use crate::script::{Script, Step};

fn leaf(name: &str) -> Script {
    Script::new(name, vec![Step::Do])
}

/// Scripts that end well, by themselves or with others.
pub(crate) fn well() -> Vec<Vec<Script>> {
    use Step::{Children, Do, Message, Repeat, Retry, Sleep, Wait, Yield};
    vec![
        vec![leaf("one")],
        vec![Script::new("linear", vec![Do, Do, Do])],
        vec![Script::new("loop", vec![Do, Repeat(3), Do])],
        vec![Script::new("sleeper", vec![Sleep(20), Sleep(31), Do])],
        vec![Script::new("retrier", vec![Retry(2), Do])],
        vec![Script::new("waiter", vec![Wait("e".into()), Message(7), Yield, Do])],
        vec![Script::new("late", vec![Do]).before("ready").locks(&["peer:p:x"])],
        vec![Script::new("parent", vec![Do, Children(vec![leaf("parent.a"), leaf("parent.b")]), Do])],
        vec![Script::new("last", vec![Do, Children(vec![leaf("last.a"), leaf("last.b")])])],
        vec![nested("nested")],
        vec![nested("forward").never_undone()],
        vec![Script::new("lock", vec![Do, Do]).locks(&["table:t:x"])],
        vec![Script::new("hold", vec![Do, Sleep(5), Do]).locks(&["table:t:x"]).holds()],
        vec![
            Script::new("t1", vec![Do, Children(vec![leaf("t1.a").locks(&["table:t:s"])]), Do])
                .locks(&["table:t:x"]),
            Script::new("t2", vec![Do, Do]).locks(&["table:t:x"]),
            Script::new("t3", vec![Do]).locks(&["table:t:s"]),
            Script::new("t4", vec![Do, Sleep(3)]).locks(&["table:t:x"]).holds(),
        ],
        vec![
            Script::new("p1", vec![Do, Message(1), Do]).locks(&["peer:p:x", "peer:q:s"]).holds(),
            Script::new("p2", vec![Do, Do]).locks(&["peer:q:x"]),
            Script::new("p3", vec![Do, Wait("go".into())]).locks(&["peer:p:s", "peer:q:s"]).holds(),
            Script::new("p4", vec![Do]).locks(&["peer:p:x", "peer:q:x"]),
        ],
    ]
}

fn nested(name: &str) -> Script {
    use Step::{Children, Do, Message};
    let low = |n: u32| Script::new(&format!("{name}.{n}.low"), vec![Message(n), Do]);
    let mid = |n: u32| {
        let steps = vec![Do, Children(vec![low(n)]), Do];
        Script::new(&format!("{name}.{n}"), steps).locks(&[&format!("peer:{name}{n}:x")]).holds()
    };
    Script::new(name, vec![Children(vec![mid(1), mid(2)]), Children(vec![leaf(&format!("{name}.z"))]), Do])
}

/// Scripts that fail and are undone.
pub(crate) fn ill() -> Vec<Vec<Script>> {
    use Step::{Children, Do, Fail, Message, Panic, Sleep, Stubborn};
    let mut family = vec![
        vec![Script::new("f0", vec![Fail])],
        vec![Script::new("f2", vec![Do, Do, Fail]).locks(&["table:t:x"])],
        vec![Script::new("bug", vec![Do, Panic])],
        vec![Script::new("stub", vec![Do, Stubborn(2), Fail]).locks(&["table:t:x"])],
        vec![
            Script::new("fh", vec![Do, Sleep(4), Fail]).locks(&["table:t:x"]).holds(),
            Script::new("fw", vec![Do]).locks(&["table:t:x"]),
        ],
        vec![Script::new("kid", vec![Do, Children(vec![Script::new("kid.a", vec![Do, Fail])]), Do])],
        vec![Script::new(
            "sib",
            vec![
                Do,
                Children(vec![
                    Script::new("sib.a", vec![Do, Fail]),
                    Script::new("sib.b", vec![Do, Do, Do]),
                    Script::new("sib.c", vec![Do, Message(5), Do]).locks(&["peer:c:x"]).holds(),
                    leaf("sib.d").before("ready"),
                    leaf("sib.e").locks(&["peer:c:x"]),
                ]),
                Do,
            ],
        )],
        vec![Script::new(
            "deep",
            vec![
                Do,
                Children(vec![
                    Script::new(
                        "deep.a",
                        vec![
                            Do,
                            Children(vec![
                                Script::new("deep.a.x", vec![Do, Stubborn(1), Fail]),
                                leaf("deep.a.y"),
                            ]),
                        ],
                    )
                    .locks(&["peer:d:x"]),
                    Script::new("deep.b", vec![Do, Do]).locks(&["peer:b:x"]).holds(),
                ]),
            ],
        )],
    ];
    for at in 0..4 {
        let mut steps = vec![Do, Children(vec![leaf(&format!("at{at}.a"))]), Do, Do];
        steps.insert(at, Fail);
        family.push(vec![Script::new(&format!("at{at}"), steps).locks(&["table:t:x"])]);
    }
    family
}

/// Scripts that fail but can't be undone.
pub(crate) fn lost() -> Vec<Vec<Script>> {
    use Step::{Children, Do, Fail, Message, Panic};
    vec![
        vec![Script::new("l0", vec![Do, Fail]).never_undone().locks(&["table:t:x"])],
        vec![
            Script::new(
                "l1",
                vec![
                    Do,
                    Children(vec![
                        Script::new("l1.a", vec![Do, Panic]).locks(&["peer:a:x"]).holds(),
                        Script::new("l1.b", vec![Do, Message(3), Do]).locks(&["peer:b:x"]).holds(),
                        Script::new("l1.c", vec![Children(vec![leaf("l1.c.x")]), Do]),
                        Script::new("l1.d", vec![Children(vec![Script::new("l1.d.x", vec![Fail])]), Do]),
                    ]),
                    Do,
                ],
            )
            .never_undone(),
        ],
    ]
}
