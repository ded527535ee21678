import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hbase.Abortable;
import org.apache.hadoop.hbase.HBaseConfiguration;
import org.apache.hadoop.hbase.zookeeper.RecoverableZooKeeper;
import org.apache.hadoop.hbase.zookeeper.ZKListener;
import org.apache.hadoop.hbase.zookeeper.ZKUtil;
import org.apache.hadoop.hbase.zookeeper.ZKUtil.ZKUtilOp;
import org.apache.hadoop.hbase.zookeeper.ZKWatcher;
import org.apache.zookeeper.AddWatchMode;
import org.apache.zookeeper.CreateMode;
import org.apache.zookeeper.KeeperException;
import org.apache.zookeeper.Watcher.Event.KeeperState;
import org.apache.zookeeper.ZooDefs;
import org.apache.zookeeper.ZooKeeper;
import org.apache.zookeeper.data.Stat;

/**
 * HBase's own ZooKeeper classes against a server: what masters and region servers do with it.
 *
 * <p>Arguments: port. Needs HBase's server class path; exits with 0 if all holds. With "restart" as the
 * second argument it prints RESTART, waits for a line on standard input while the server is killed and
 * started again, and checks that its session, nodes and watches have survived that.
 */
public class HBaseZkCheck {
  private static final LinkedBlockingQueue<String> EVENTS = new LinkedBlockingQueue<>();

  public static void main(String[] args) throws Exception {
    int port = Integer.parseInt(args[0]);
    Configuration conf = HBaseConfiguration.create();
    conf.set("hbase.zookeeper.quorum", "127.0.0.1");
    conf.setInt("hbase.zookeeper.property.clientPort", port);
    conf.set("zookeeper.znode.parent", "/check-" + System.nanoTime());
    ZKWatcher watcher = new ZKWatcher(conf, "check", new Fatal(), true);
    watcher.registerListener(new Recorder(watcher));
    ZooKeeper other = new ZooKeeper("127.0.0.1:" + port, 10000, event -> { });
    String base = watcher.getZNodePaths().baseZNode;

    nodes(watcher, base);
    watches(watcher, other, base);
    multis(watcher, base);
    reconnect(watcher, other, base);
    if (args.length > 1 && args[1].equals("restart")) {
      restart(watcher, other, base);
    }
    persistentWatches(watcher, other, base);
    expiry(port, other, base);
    ZKUtil.deleteNodeRecursively(watcher, base);
    check(other.exists(base, false) == null, "recursive deletion");
    other.close();
    watcher.close();
    System.out.println("OK");
  }

  private static void nodes(ZKWatcher zkw, String base) throws Exception {
    String node = base + "/node";
    ZKUtil.createWithParents(zkw, base + "/a/b/c", bytes("deep"));
    check(ZKUtil.checkExists(zkw, base + "/a/b/c") == 0, "createWithParents");
    check(ZKUtil.createNodeIfNotExistsAndWatch(zkw, node, bytes("1")), "create");
    check(!ZKUtil.createNodeIfNotExistsAndWatch(zkw, node, bytes("2")), "create of existing");
    check(ZKUtil.setData(zkw, node, bytes("2"), 0), "setData with version");
    try {
      ZKUtil.setData(zkw, node, bytes("3"), 0);
      check(false, "stale setData");
    } catch (KeeperException.BadVersionException expected) {
      // as it should be
    }
    Stat stat = new Stat();
    check(Arrays.equals(ZKUtil.getDataNoWatch(zkw, node, stat), bytes("2")), "the metadata header is stripped");
    check(stat.getVersion() == 1 && stat.getDataLength() > 1, "stat " + stat);
    check(ZKUtil.getData(zkw, base + "/none") == null, "getData of nothing");
    String sequential = zkw.getRecoverableZooKeeper().create(base + "/s-", bytes(""),
      ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL_SEQUENTIAL);
    check(sequential.matches(".*/s-.*\\d{10}"), sequential);
    check(ZKUtil.listChildrenNoWatch(zkw, base).contains(ZKUtil.getNodeName(sequential)), "children");
    // Five from the watcher's constructor are there too.
    check(ZKUtil.getNumberOfChildren(zkw, base) > 3, "number of children");
    zkw.syncOrTimeout(base);
    EVENTS.clear();
  }

  private static void watches(ZKWatcher zkw, ZooKeeper other, String base) throws Exception {
    String node = base + "/watched";
    check(!ZKUtil.watchAndCheckExists(zkw, node), "not there");
    other.create(node, bytes("x"), ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
    expect("created " + node);
    ZKUtil.getDataAndWatch(zkw, node);
    other.setData(node, bytes("y"), -1);
    expect("changed " + node);
    ZKUtil.listChildrenAndWatchForNewChildren(zkw, node);
    other.create(node + "/x", bytes(""), ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
    expect("children " + node);
    other.delete(node + "/x", -1);
    ZKUtil.watchAndCheckExists(zkw, node);
    other.delete(node, -1);
    // The list watch was spent by the first child.
    expect("deleted " + node);
    check(ZKUtil.createEphemeralNodeAndWatch(zkw, base + "/master", bytes("me")), "ephemeral");
    check(!ZKUtil.createEphemeralNodeAndWatch(zkw, base + "/master", bytes("other")), "election lost");
    check(other.exists(base + "/master", false).getEphemeralOwner()
      == zkw.getRecoverableZooKeeper().getSessionId(), "owner");
    other.delete(base + "/master", -1);
    expect("deleted " + base + "/master");
  }

  private static void multis(ZKWatcher zkw, String base) throws Exception {
    List<ZKUtilOp> ops = new ArrayList<>();
    ops.add(ZKUtilOp.createAndFailSilent(base + "/m", bytes("1")));
    ops.add(ZKUtilOp.createAndFailSilent(base + "/m/x", bytes("2")));
    ops.add(ZKUtilOp.setData(base + "/m", bytes("3")));
    ZKUtil.multiOrSequential(zkw, ops, false);
    check(Arrays.equals(ZKUtil.getData(zkw, base + "/m"), bytes("3")), "multi");
    ops = new ArrayList<>();
    ops.add(ZKUtilOp.setData(base + "/m", bytes("4")));
    ops.add(ZKUtilOp.deleteNodeFailSilent(base + "/m")); // has a child
    try {
      ZKUtil.multiOrSequential(zkw, ops, false);
      check(false, "a multi that must fail");
    } catch (KeeperException.NotEmptyException expected) {
      check(expected.getResults().size() == 2, "results of a failed multi");
    }
    check(Arrays.equals(ZKUtil.getData(zkw, base + "/m"), bytes("3")), "rolled back");
    ZKUtil.deleteNodeRecursivelyMultiOrSequential(zkw, false, base + "/m", base + "/a");
    check(ZKUtil.checkExists(zkw, base + "/a/b") == -1, "recursive deletion by multi");
    EVENTS.clear();
  }

  /** A lost connection: the client sets its watches again, and hears what it missed. */
  private static void reconnect(ZKWatcher zkw, ZooKeeper other, String base) throws Exception {
    String missed = base + "/missed";
    String later = base + "/later";
    String ephemeral = base + "/server";
    ZKUtil.createAndFailSilent(zkw, missed, bytes("1"));
    check(ZKUtil.createEphemeralNodeAndWatch(zkw, ephemeral, bytes("me")), "ephemeral");
    ZKUtil.getDataAndWatch(zkw, missed);
    ZKUtil.watchAndCheckExists(zkw, later);
    RecoverableZooKeeper zookeeper = zkw.getRecoverableZooKeeper();
    long session = zookeeper.getSessionId();
    for (int round = 0; round < 5; round++) {
      closeSocket(zookeeper.getZooKeeper());
      other.setData(missed, bytes("round " + round), -1);
      expect("changed " + missed);
      ZKUtil.getDataAndWatch(zkw, missed);
    }
    other.create(later, bytes(""), ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
    expect("created " + later);
    check(zookeeper.getSessionId() == session, "same session");
    check(other.exists(ephemeral, false) != null, "the ephemeral node lives");
  }

  /** Breaks a client's connection under it, as a network would. */
  private static void closeSocket(ZooKeeper zookeeper) throws Exception {
    Field connection = ZooKeeper.class.getDeclaredField("cnxn");
    connection.setAccessible(true);
    Field sender = connection.get(zookeeper).getClass().getDeclaredField("sendThread");
    sender.setAccessible(true);
    Object thread = sender.get(connection.get(zookeeper));
    Method close = thread.getClass().getDeclaredMethod("testableCloseSocket");
    close.setAccessible(true);
    close.invoke(thread);
  }

  private static void restart(ZKWatcher zkw, ZooKeeper other, String base) throws Exception {
    ZKUtil.getDataAndWatch(zkw, base + "/missed");
    long session = zkw.getRecoverableZooKeeper().getSessionId();
    System.out.println("RESTART");
    System.in.read();
    while (true) {
      try {
        other.setData(base + "/missed", bytes("after the restart"), -1);
        break;
      } catch (KeeperException.ConnectionLossException retry) {
        Thread.sleep(100);
      }
    }
    expect("changed " + base + "/missed");
    check(zkw.getRecoverableZooKeeper().getSessionId() == session, "same session");
    check(ZKUtil.checkExists(zkw, base + "/server") != -1, "the ephemeral node lives");
  }

  private static void persistentWatches(ZKWatcher zkw, ZooKeeper other, String base) throws Exception {
    LinkedBlockingQueue<String> seen = new LinkedBlockingQueue<>();
    ZooKeeper zookeeper = zkw.getRecoverableZooKeeper().getZooKeeper();
    zookeeper.addWatch(base + "/p", event -> seen.add(event.getType() + " " + event.getPath()),
      AddWatchMode.PERSISTENT_RECURSIVE);
    for (String path : new String[] { base + "/p", base + "/p/x" }) {
      other.create(path, bytes(""), ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.PERSISTENT);
      String event = seen.poll(10, TimeUnit.SECONDS);
      check(("NodeCreated " + path).equals(event), path + " " + event);
    }
    zookeeper.removeAllWatches(base + "/p", org.apache.zookeeper.Watcher.WatcherType.Any, false);
    List<String> ephemerals = zookeeper.getEphemerals(base);
    check(ephemerals.contains(base + "/server"), "ephemerals " + ephemerals);
    check(zookeeper.getAllChildrenNumber(base + "/p") == 1, "descendants");
    check(zookeeper.whoAmI().size() == 1, "identities");
    EVENTS.clear();
  }

  /** A session that ends hears of it, and its nodes are gone. */
  private static void expiry(int port, ZooKeeper other, String base) throws Exception {
    LinkedBlockingQueue<KeeperState> states = new LinkedBlockingQueue<>();
    ZooKeeper first = new ZooKeeper("127.0.0.1:" + port, 10000, event -> states.add(event.getState()));
    check(states.poll(10, TimeUnit.SECONDS) == KeeperState.SyncConnected, "connected");
    first.create(base + "/e", bytes(""), ZooDefs.Ids.OPEN_ACL_UNSAFE, CreateMode.EPHEMERAL);
    ZooKeeper thief = new ZooKeeper("127.0.0.1:" + port, 10000, event -> { }, first.getSessionId(),
      first.getSessionPasswd());
    check(thief.exists(base + "/e", false) != null, "taken over");
    thief.close();
    KeeperState state = null;
    while (state != KeeperState.Expired) {
      state = states.poll(30, TimeUnit.SECONDS);
      check(state != null, "no expiry");
    }
    check(other.exists(base + "/e", false) == null, "gone with its session");
    first.close();
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static void expect(String event) throws InterruptedException {
    String seen = EVENTS.poll(20, TimeUnit.SECONDS);
    check(event.equals(seen), "expected \"" + event + "\", got \"" + seen + "\"");
  }

  private static void check(boolean condition, String what) {
    if (!condition) {
      System.out.println("FAILED: " + what);
      new Throwable().printStackTrace(System.out);
      System.exit(1);
    }
  }

  private static final class Recorder extends ZKListener {
    Recorder(ZKWatcher watcher) {
      super(watcher);
    }

    @Override
    public void nodeCreated(String path) {
      EVENTS.add("created " + path);
    }

    @Override
    public void nodeDeleted(String path) {
      EVENTS.add("deleted " + path);
    }

    @Override
    public void nodeDataChanged(String path) {
      EVENTS.add("changed " + path);
    }

    @Override
    public void nodeChildrenChanged(String path) {
      EVENTS.add("children " + path);
    }
  }

  private static final class Fatal implements Abortable {
    @Override
    public void abort(String why, Throwable cause) {
      check(false, "aborted: " + why);
    }

    @Override
    public boolean isAborted() {
      return false;
    }
  }
}
