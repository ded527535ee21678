// The StochasticLoadBalancer of HBase 2.6.4 as generator of clusters and judge of plans, in its package to reach its
// members. Locality needs HDFS in a real master; here it is off, or made up from names (--locality).
package org.apache.hadoop.hbase.master.balancer;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.FileInputStream;
import java.io.FileReader;
import java.io.FileWriter;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hbase.ClusterMetrics;
import org.apache.hadoop.hbase.ClusterMetricsBuilder;
import org.apache.hadoop.hbase.HBaseConfiguration;
import org.apache.hadoop.hbase.ServerMetrics;
import org.apache.hadoop.hbase.ServerName;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.client.RegionInfo;
import org.apache.hadoop.hbase.client.RegionInfoBuilder;
import org.apache.hadoop.hbase.master.RegionPlan;
import org.apache.hadoop.hbase.shaded.protobuf.generated.ClusterStatusProtos;
import org.apache.hadoop.hbase.util.Bytes;
import org.apache.hbase.thirdparty.com.google.protobuf.CodedInputStream;

public final class BalancerOracle {

  static final class Args {
    final Map<String, List<String>> m = new HashMap<>();

    Args(String[] a, int from) {
      for (int i = from; i < a.length; i++) {
        if (!a[i].startsWith("--")) {
          die("unexpected argument " + a[i]);
        }
        String k = a[i].substring(2);
        String v = "true";
        if (i + 1 < a.length && !a[i + 1].startsWith("--")) {
          v = a[++i];
        }
        m.computeIfAbsent(k, x -> new ArrayList<>()).add(v);
      }
    }

    boolean has(String k) {
      return m.containsKey(k);
    }

    List<String> all(String k) {
      return m.getOrDefault(k, Collections.emptyList());
    }

    String str(String k, String d) {
      List<String> l = m.get(k);
      return l == null ? d : l.get(l.size() - 1);
    }

    String need(String k) {
      String s = str(k, null);
      if (s == null) {
        die("missing --" + k);
      }
      return s;
    }

    int num(String k, int d) {
      return Integer.parseInt(str(k, Integer.toString(d)));
    }

    double dbl(String k, double d) {
      return Double.parseDouble(str(k, Double.toString(d)));
    }
  }

  static void die(String s) {
    System.err.println("error: " + s);
    System.exit(2);
  }

  static final class J {
    final StringBuilder b = new StringBuilder("{");

    J raw(String k, String v) {
      if (b.length() > 1) {
        b.append(", ");
      }
      b.append('"').append(k).append("\": ").append(v);
      return this;
    }

    J put(String k, String v) {
      return raw(k, '"' + v.replace("\\", "\\\\").replace("\"", "\\\"") + '"');
    }

    J put(String k, long v) {
      return raw(k, Long.toString(v));
    }

    J put(String k, boolean v) {
      return raw(k, Boolean.toString(v));
    }

    J put(String k, double v) {
      return raw(k, Double.isFinite(v) ? Double.toString(v) : "null");
    }

    J rnd(String k, double v) {
      return raw(k, Double.isFinite(v) ? String.format(Locale.ROOT, "%.3f", v) : "null");
    }

    @Override
    public String toString() {
      return b + "}";
    }
  }

  static Configuration conf(Args a) {
    Configuration c = HBaseConfiguration.create();
    // There is no HDFS behind these statuses: leave both locality functions out.
    c.setBoolean("hbase.master.balancer.uselocality", false);
    c.setFloat("hbase.master.balancer.stochastic.localityCost", 0);
    c.setFloat("hbase.master.balancer.stochastic.rackLocalityCost", 0);
    for (String kv : a.all("conf")) {
      int i = kv.indexOf('=');
      if (i < 0) {
        die("--conf wants k=v, got " + kv);
      }
      c.set(kv.substring(0, i), kv.substring(i + 1));
    }
    return c;
  }

  static final class World {
    final BalancerProbe lb = new BalancerProbe();
    Configuration conf;
    boolean locality;
    ClusterMetrics last;
    Map<TableName, Map<ServerName, List<RegionInfo>>> byTable;
  }

  static ClusterStatusProtos.ClusterStatus parse(String file) throws IOException {
    try (InputStream in = new BufferedInputStream(new FileInputStream(file), 1 << 20)) {
      CodedInputStream ci = CodedInputStream.newInstance(in);
      ci.setSizeLimit(Integer.MAX_VALUE);
      return ClusterStatusProtos.ClusterStatus.parseFrom(ci);
    }
  }

  static World load(Args a, Configuration c) throws IOException {
    World w = new World();
    w.conf = c;
    w.locality = a.has("locality");
    w.lb.conf(c);
    for (String f : a.all("in")) {
      w.last = ClusterMetricsBuilder.toClusterMetrics(parse(f));
      w.lb.updateClusterMetrics(w.last);
    }
    w.byTable = assignments(w.last);
    return w;
  }

  /** What RegionStates.getAssignmentsForBalancer hands over: every table lists every server. */
  static Map<TableName, Map<ServerName, List<RegionInfo>>> assignments(ClusterMetrics m)
    throws IOException {
    Map<TableName, Map<ServerName, List<RegionInfo>>> out = new TreeMap<>();
    List<ServerName> servers = new ArrayList<>(m.getLiveServerMetrics().keySet());
    Collections.sort(servers);
    for (ServerName sn : servers) {
      ServerMetrics sm = m.getLiveServerMetrics().get(sn);
      for (byte[] name : sm.getRegionMetrics().keySet()) {
        RegionInfo ri = regionOf(name);
        Map<ServerName, List<RegionInfo>> t = out.get(ri.getTable());
        if (t == null) {
          t = new TreeMap<>();
          for (ServerName s : servers) {
            t.put(s, new ArrayList<>(4));
          }
          out.put(ri.getTable(), t);
        }
        t.get(sn).add(ri);
      }
    }
    return out;
  }

  /** A region name carries everything but the end key, which the balancer never looks at. */
  static RegionInfo regionOf(byte[] name) throws IOException {
    byte[][] e = RegionInfo.parseRegionName(name);
    RegionInfoBuilder b = RegionInfoBuilder.newBuilder(TableName.valueOf(e[0])).setStartKey(e[1])
      .setRegionId(Long.parseLong(new String(e[2], "UTF-8")));
    if (e.length > 3) {
      b.setReplicaId(Integer.parseInt(new String(e[3], "UTF-8"), 16));
    }
    return b.build();
  }

  static Map<ServerName, List<RegionInfo>> flat(World w) {
    return w.lb.toEnsumbleTableLoad(w.byTable);
  }

  static BalancerClusterState state(World w, Map<ServerName, List<RegionInfo>> m) {
    ServerName[] servers = m.keySet().stream().sorted().toArray(ServerName[]::new);
    RegionLocationFinder blocks = w.locality ? new BalancerProbe.NamedBlocks(servers) : null;
    return new BalancerClusterState(m, w.lb.loads, blocks, w.lb.racks(), null);
  }

  static String hex(RegionInfo r) {
    return Bytes.toHex(r.getRegionName());
  }

  static String functions(BalancerProbe p, double[] before, double[] after) {
    StringBuilder b = new StringBuilder("[");
    for (int i = 0; i < p.costFunctions.size(); i++) {
      CostFunction f = p.costFunctions.get(i);
      J j = new J().put("name",  f.getClass().getSimpleName()).put("multiplier", f.getMultiplier())
        .put("needed", f.isNeeded()).put("before", before[i]);
      if (after != null) {
        j.put("after", after[i]);
      }
      b.append(i == 0 ? "" : ", ").append(j);
    }
    return b.append("]").toString();
  }

  static double weighted(BalancerProbe p, double[] c) {
    double t = 0;
    for (int i = 0; i < c.length; i++) {
      if (p.costFunctions.get(i).isNeeded()) {
        t += p.costFunctions.get(i).getMultiplier() * c[i];
      }
    }
    return t;
  }

  static double sumMult(BalancerProbe p) {
    double t = 0;
    for (CostFunction f : p.costFunctions) {
      if (f.isNeeded()) {
        t += f.getMultiplier();
      }
    }
    return t;
  }

  static J shape(J j, BalancerClusterState c) {
    int lo = Integer.MAX_VALUE;
    int hi = 0;
    int empty = 0;
    for (int[] r : c.regionsPerServer) {
      lo = Math.min(lo, r.length);
      hi = Math.max(hi, r.length);
      empty += r.length == 0 ? 1 : 0;
    }
    return j.put("regions", c.numRegions).put("servers", c.numServers).put("hosts", c.numHosts)
      .put("racks", c.numRacks).put("tables", c.numTables).put("replicas", c.maxReplicas)
      .put("min_regions_on_server", lo).put("max_regions_on_server", hi)
      .put("empty_servers", empty);
  }

  static void writePlan(String file, List<RegionPlan> plans) throws IOException {
    try (BufferedWriter o = new BufferedWriter(new FileWriter(file))) {
      for (RegionPlan p : plans) {
        o.write(hex(p.getRegionInfo()) + "\t" + p.getDestination().getServerName() + "\n");
      }
    }
  }

  static void walk(Args a) throws IOException {
    Configuration c = conf(a);
    c.setLong("hbase.master.balancer.stochastic.maxRunningTime", (long) (a.dbl("seconds", 30) * 1000));
    c.setBoolean("hbase.master.balancer.stochastic.runMaxSteps", true);
    World w = load(a, c);
    BalancerProbe p = w.lb;
    List<RegionPlan> plan = p.balanceCluster(w.byTable);
    double seconds = (System.nanoTime() - p.walkNs) / 1e9;
    double[] after = p.costs();
    J j = new J().put("cmd", "walk").put("needs_balance", p.verdict).put("steps", p.steps)
      .put("seconds", seconds).put("steps_per_s", p.steps / seconds);
    shape(j, p.cluster).put("init_cost", weighted(p, p.before) / sumMult(p))
      .put("final_cost", weighted(p, after) / sumMult(p)).put("moves", plan == null ? 0 : plan.size());
    if (a.has("plan-out")) {
      writePlan(a.need("plan-out"), plan == null ? Collections.emptyList() : plan);
    }
    System.out.println(j);
  }

  static ServerName server(BalancerClusterState c, String s) {
    ServerName sn = s.indexOf(',') > 0
      ? ServerName.valueOf(s)
      : ServerName.valueOf(s.substring(0, s.indexOf(':')),
        Integer.parseInt(s.substring(s.indexOf(':') + 1)), 0);
    Integer i = c.serversToIndex.get(sn.getAddress());
    if (i == null) {
      die("no such server: " + s);
    }
    return c.servers[i];
  }

  static Map<String, RegionInfo> hexIndex(BalancerClusterState c) {
    Map<String, RegionInfo> m = new HashMap<>(c.numRegions * 2);
    for (RegionInfo r : c.regions) {
      m.put(hex(r), r);
    }
    return m;
  }

  static Map<RegionInfo, ServerName> readPlan(String file, BalancerClusterState c)
    throws IOException {
    Map<String, RegionInfo> byHex = hexIndex(c);
    Map<RegionInfo, ServerName> plan = new LinkedHashMap<>();
    try (BufferedReader r = new BufferedReader(new FileReader(file))) {
      for (String l; (l = r.readLine()) != null;) {
        if (l.isEmpty() || l.startsWith("#")) {
          continue;
        }
        String[] f = l.split("\t");
        RegionInfo ri = byHex.get(f[0].toLowerCase(Locale.ROOT));
        if (ri == null) {
          die("plan names an unknown region: " + f[0]);
        }
        if (plan.put(ri, server(c, f[1])) != null) {
          die("plan names a region twice: " + f[0]);
        }
      }
    }
    return plan;
  }

  static String judge(World w, BalancerClusterState c0, Map<RegionInfo, ServerName> plan,
    String cmd, boolean incremental) {
    BalancerProbe p = w.lb;
    p.initCosts(c0);
    double[] before = p.costs();
    Map<ServerName, List<RegionInfo>> fin = new TreeMap<>();
    for (ServerName s : c0.servers) {
      fin.put(s, new ArrayList<>());
    }
    int moves = 0;
    long mb = 0;
    for (int i = 0; i < c0.numRegions; i++) {
      ServerName src = c0.servers[c0.regionIndexToServerIndex[i]];
      ServerName dst = plan.getOrDefault(c0.regions[i], src);
      fin.get(dst).add(c0.regions[i]);
      if (!dst.equals(src)) {
        moves++;
        mb += c0.getRegionSizeMB(i);
      }
    }
    double inc = Double.NaN;
    double[] incCosts = null;
    if (incremental) {
      for (Map.Entry<RegionInfo, ServerName> e : plan.entrySet()) {
        int r = c0.regionsToIndex.get(e.getKey());
        int to = c0.serversToIndex.get(e.getValue().getAddress());
        int from = c0.regionIndexToServerIndex[r];
        if (from != to) {
          BalanceAction act = new MoveRegionAction(r, from, to);
          c0.doAction(act);
          p.updateCostsAndWeightsWithAction(c0, act);
        }
      }
      incCosts = p.costs();
      inc = weighted(p, incCosts) / sumMult(p);
    }
    BalancerClusterState c1 = state(w, fin);
    c1.setNumMovedRegions(moves);
    p.initCosts(c1);
    double[] after = p.costs();
    J j = new J().put("cmd", cmd);
    shape(j, c1).put("plan_lines", plan.size()).put("moves", moves).put("moved_mb", mb)
      .put("init_cost", weighted(p, before) / sumMult(p))
      .put("final_cost", weighted(p, after) / sumMult(p)).put("sum_multiplier", sumMult(p))
      .raw("functions", functions(p, before, after));
    if (incremental) {
      double d = 0;
      for (int i = 0; i < after.length; i++) {
        d = Math.max(d, Math.abs(after[i] - incCosts[i]));
      }
      j.put("incremental_final_cost", inc).put("incremental_max_abs_diff", d);
    }
    return j.toString();
  }

  static void eval(Args a) throws IOException {
    World w = load(a, conf(a));
    BalancerClusterState c0 = state(w, flat(w));
    Map<RegionInfo, ServerName> plan = readPlan(a.need("plan"), c0);
    System.out.println(judge(w, c0, plan, "eval", a.has("incremental")));
  }

  static void steps(Args a) throws IOException {
    World w = load(a, conf(a));
    BalancerClusterState c = state(w, flat(w));
    BalancerProbe p = w.lb;
    p.initCosts(c);
    Map<String, RegionInfo> byHex = hexIndex(c);
    PrintStream o = new PrintStream(new BufferedOutputStream(System.out, 1 << 16));
    StringBuilder h = new StringBuilder("#step\taction\tweighted_sum\tover_sum_of_multipliers");
    for (String n : p.getCostFunctionNames()) {
      h.append('\t').append(n);
    }
    o.println(h.append("\tnum_moved_regions\tmax_abs_diff_vs_scratch"));
    boolean verify = a.has("verify");
    row(o, 0, "init", w, p, c, verify);
    Deque<BalanceAction> done = new ArrayDeque<>();
    int n = 0;
    try (BufferedReader r = new BufferedReader(new FileReader(a.need("actions")))) {
      for (String l; (l = r.readLine()) != null;) {
        if (l.isEmpty() || l.startsWith("#")) {
          continue;
        }
        String[] f = l.split("\t");
        BalanceAction act;
        if (f[0].equals("M")) {
          int reg = idx(c, byHex, f[1]);
          int from = c.regionIndexToServerIndex[reg];
          int to = c.serversToIndex.get(server(c, f[2]).getAddress());
          if (from == to) {
            die("move to the same server: " + l);
          }
          act = new MoveRegionAction(reg, from, to);
          done.push(act);
        } else if (f[0].equals("S")) {
          int r1 = idx(c, byHex, f[1]);
          int r2 = idx(c, byHex, f[2]);
          int s1 = c.regionIndexToServerIndex[r1];
          int s2 = c.regionIndexToServerIndex[r2];
          if (s1 == s2) {
            die("swap within one server: " + l);
          }
          act = new SwapRegionsAction(s1, r1, s2, r2);
          done.push(act);
        } else if (f[0].equals("U")) {
          act = done.pop().undoAction();
        } else {
          throw new IOException("bad action line: " + l);
        }
        c.doAction(act);
        p.updateCostsAndWeightsWithAction(c, act);
        row(o, ++n, f[0], w, p, c, verify);
      }
    }
    o.flush();
  }

  static int idx(BalancerClusterState c, Map<String, RegionInfo> m, String h) {
    RegionInfo r = m.get(h.toLowerCase(Locale.ROOT));
    if (r == null) {
      die("unknown region " + h);
    }
    return c.regionsToIndex.get(r);
  }

  static void row(PrintStream o, int n, String what, World w, BalancerProbe p, BalancerClusterState c,
    boolean verify) throws IOException {
    double[] v = p.costs();
    double t = weighted(p, v);
    StringBuilder b = new StringBuilder().append(n).append('\t').append(what).append('\t')
      .append(t).append('\t').append(t / sumMult(p));
    for (double d : v) {
      b.append('\t').append(d);
    }
    b.append('\t').append(c.numMovedRegions);
    if (verify) {
      // A second balancer, freshly prepared on the same state, must agree.
      BalancerProbe q = new BalancerProbe();
      q.conf(w.conf);
      q.initCosts(c);
      double[] u = q.costs();
      double d = 0;
      for (int i = 0; i < u.length; i++) {
        d = Math.max(d, Math.abs(u[i] - v[i]));
      }
      b.append('\t').append(d);
    } else {
      b.append("\t-");
    }
    o.println(b);
  }

  /** Runs one command; its output ends with a line "done". */
  static void run(String[] argv) throws Exception {
    Args a = new Args(argv, 1);
    switch (argv[0]) {
      case "gen":
        ClusterGenerator.gen(a);
        break;
      case "walk":
        walk(a);
        break;
      case "eval":
        eval(a);
        break;
      case "steps":
        steps(a);
        break;
      default:
        die("unknown command " + argv[0]);
    }
    System.out.println("done");
    System.out.flush();
  }

  /** Commands come from standard input, one a line, words separated by blanks. */
  public static void main(String[] argv) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
    for (String l; (l = in.readLine()) != null;) {
      if (!l.isEmpty()) {
        run(l.split(" "));
      }
    }
    System.exit(0);
  }
}
