// Clusters of every shape, as a pair of ClusterStatus messages 300 s apart.
package org.apache.hadoop.hbase.master.balancer;

import static org.apache.hadoop.hbase.master.balancer.BalancerOracle.*;

import java.io.BufferedOutputStream;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.hadoop.hbase.ServerName;
import org.apache.hadoop.hbase.TableName;
import org.apache.hadoop.hbase.client.RegionInfo;
import org.apache.hadoop.hbase.shaded.protobuf.generated.ClusterIdProtos;
import org.apache.hadoop.hbase.shaded.protobuf.generated.ClusterStatusProtos;
import org.apache.hadoop.hbase.shaded.protobuf.generated.FSProtos;
import org.apache.hadoop.hbase.shaded.protobuf.generated.HBaseProtos;
import org.apache.hadoop.hbase.util.Bytes;
import org.apache.hbase.thirdparty.com.google.protobuf.CodedOutputStream;
import org.apache.hbase.thirdparty.com.google.protobuf.UnsafeByteOperations;

final class ClusterGenerator {

  static final long T0 = 1700000000000L;

  static void shuffle(int[] x, Random r) {
    for (int i = x.length - 1; i > 0; i--) {
      int k = r.nextInt(i + 1);
      int t = x[i];
      x[i] = x[k];
      x[k] = t;
    }
  }

  static double[] zipf(int n, double exp, double total, Random r) {
    int[] rank = new int[n];
    double h = 0;
    for (int i = 0; i < n; i++) {
      rank[i] = i + 1;
      h += Math.pow(i + 1, -exp);
    }
    shuffle(rank, r);
    double[] v = new double[n];
    for (int i = 0; i < n; i++) {
      v[i] = total * Math.pow(rank[i], -exp) / h;
    }
    return v;
  }

  static void gen(Args a) throws IOException {
    int prim = a.num("regions", 10000);
    int nS = a.num("servers", 100);
    int nT = a.num("tables", 10);
    int nR = a.num("replicas", 1);
    int nK = a.num("racks", 1);
    int perHost = a.num("per-host", 1);
    String shape = a.need("shape");
    String out = a.need("out");
    int n = prim * nR;
    Random rnd = new Random(a.num("seed", 1));

    int[] table = new int[n];
    int[] within = new int[n];
    int[] rep = new int[n];
    int[] start = new int[nT + 1];
    for (int t = 0; t <= nT; t++) {
      start[t] = (int) ((long) prim * t / nT) * nR;
    }
    for (int t = 0; t < nT; t++) {
      for (int i = start[t]; i < start[t + 1]; i++) {
        table[i] = t;
        within[i] = (i - start[t]) / nR;
        rep[i] = (i - start[t]) % nR;
      }
    }
    double[] read = zipf(n, a.dbl("zipf-read", 0.99), 200.0 * n, rnd);
    double[] write = zipf(n, a.dbl("zipf-write", 0.8), 50.0 * n, rnd);
    int[] size = new int[n];
    int[] mem1 = new int[n];
    int[] mem2 = new int[n];
    float[] local = new float[n];
    long[][] cnt = new long[4][n];
    for (int i = 0; i < n; i++) {
      size[i] = (int) Math.min(40000, Math.exp(Math.log(2000) + rnd.nextGaussian()));
      mem1[i] = (int) Math.min(512, Math.exp(Math.log(16) + rnd.nextGaussian()));
      mem2[i] = rnd.nextInt(5) == 0 ? rnd.nextInt(4) : mem1[i] + rnd.nextInt(40);
      local[i] = 0.5f + 0.5f * rnd.nextFloat();
      double up = 3 * 86400.0 * Math.exp(0.1 * rnd.nextGaussian());
      cnt[0][i] = (long) (read[i] * up);
      cnt[1][i] = (long) (write[i] * up);
      boolean reset = rnd.nextInt(200) == 0; // moved or restarted in between: counters begin anew
      cnt[2][i] = (long) (read[i] * 300 * Math.exp(0.05 * rnd.nextGaussian()))
        + (reset ? 0 : cnt[0][i]);
      cnt[3][i] = (long) (write[i] * 300 * Math.exp(0.05 * rnd.nextGaussian()))
        + (reset ? 0 : cnt[1][i]);
    }

    int[] at = new int[n];
    int[] order = new int[nS];
    for (int s = 0; s < nS; s++) {
      order[s] = s;
    }
    shuffle(order, rnd);
    List<String> dead = new ArrayList<>();
    long[] code = new long[nS];
    Arrays.fill(code, T0);
    switch (shape) {
      case "one-server":
        break;
      case "random":
        for (int i = 0; i < n; i++) {
          at[i] = rnd.nextInt(nS);
        }
        break;
      case "balanced":
        deal(at, order, start, nT, nR, rnd);
        break;
      case "new-servers": {
        int old = (int) Math.round(nS / 1.1);
        int[] olds = new int[old];
        for (int s = 0; s < old; s++) {
          olds[s] = s;
        }
        shuffle(olds, rnd);
        deal(at, olds, start, nT, nR, rnd);
        for (int s = old; s < nS; s++) {
          code[s] = T0 + 86400000L;
        }
        break;
      }
      case "dead-rack": {
        if (nK < 2) {
          die("dead-rack needs --racks 2 or more");
        }
        deal(at, order, start, nT, nR, rnd);
        List<Integer> alive = new ArrayList<>();
        for (int s : order) {
          if (s / perHost % nK != nK - 1) {
            alive.add(s);
          }
        }
        int k = 0;
        for (int i = 0; i < n; i++) {
          if (at[i] / perHost % nK == nK - 1) {
            at[i] = alive.get(k++ % alive.size());
          }
        }
        for (int s = 0; s < nS; s++) {
          if (s / perHost % nK != nK - 1) {
            continue;
          }
          dead.add(host(s, nK, perHost) + "," + port(s, perHost) + "," + T0);
          code[s] = T0 + 86400000L;
        }
        break;
      }
      case "hot": {
        int hot = Math.max(1, nS / 20);
        int[] seq = new int[nS];
        System.arraycopy(order, 0, seq, 0, nS);
        deal(at, order, start, nT, nR, rnd); // only for its counts per table and server
        for (int t = 0; t < nT; t++) {
          List<Integer> slots = new ArrayList<>();
          Map<Integer, Integer> cap = new HashMap<>();
          for (int i = start[t]; i < start[t + 1]; i++) {
            cap.merge(at[i], 1, Integer::sum);
          }
          for (int k = 0; k < hot; k++) {
            for (int q = cap.getOrDefault(seq[k], 0); q > 0; q--) {
              slots.add(seq[k]);
            }
          }
          Collections.shuffle(slots, rnd);
          List<Integer> cold = new ArrayList<>();
          for (int k = hot; k < nS; k++) {
            for (int q = cap.getOrDefault(seq[k], 0); q > 0; q--) {
              cold.add(seq[k]);
            }
          }
          Collections.shuffle(cold, rnd);
          slots.addAll(cold);
          Integer[] by = new Integer[start[t + 1] - start[t]];
          for (int i = 0; i < by.length; i++) {
            by[i] = start[t] + i;
          }
          Arrays.sort(by, Comparator.comparingDouble(i -> -(read[i] / 200 + write[i] / 50)));
          for (int i = 0; i < by.length; i++) {
            at[by[i]] = slots.get(i);
          }
        }
        break;
      }
      case "multi-table":
        for (int i = 0; i < n; i++) {
          at[i] = order[(int) ((long) i * nS / n)];
        }
        break;
      case "replicas":
        deal(at, order, start, nT, nR, rnd);
        for (int i = 0; i < n; i++) {
          at[i] = at[i - rep[i]];
        }
        break;
      default:
        die("unknown shape " + shape);
    }

    List<List<Integer>> on = new ArrayList<>();
    for (int s = 0; s < nS; s++) {
      on.add(new ArrayList<>());
    }
    for (int i = 0; i < n; i++) {
      on.get(at[i]).add(i);
    }
    TableName[] names = new TableName[nT];
    for (int t = 0; t < nT; t++) {
      names[t] = TableName.valueOf(String.format("t%04d", t));
    }
    for (int f = 0; f < 2; f++) {
      String file = f == 0 ? out : out + ".2";
      long now = T0 + 3 * 86400000L + f * 300000L;
      try (OutputStream os = new BufferedOutputStream(new FileOutputStream(file), 1 << 20)) {
        CodedOutputStream co = CodedOutputStream.newInstance(os, 1 << 16);
        co.writeMessage(1, FSProtos.HBaseVersionFileContent.newBuilder().setVersion("2.6.4").build());
        for (int s = 0; s < nS; s++) {
          ClusterStatusProtos.ServerLoad.Builder sl = ClusterStatusProtos.ServerLoad.newBuilder();
          long tot = 0;
          long recent = 0;
          for (int i : on.get(s)) {
            byte[] key = within[i] == 0
              ? new byte[0]
              : Bytes.toBytes(String.format("row%010d", within[i]));
            byte[] name = RegionInfo.createRegionName(names[table[i]], key,
              Long.toString(T0 - 86400000L + within[i]).getBytes("UTF-8"), rep[i], true);
            long rd = cnt[2 * f][i];
            long wr = cnt[2 * f + 1][i];
            tot += rd + wr;
            recent += f == 0 ? 0 : Math.max(0, rd + wr - cnt[0][i] - cnt[1][i]);
            int mem = f == 0 ? mem1[i] : mem2[i];
            int sz = f == 0 ? size[i] : size[i] + (mem2[i] < mem1[i] ? mem1[i] / 2 : 0);
            sl.addRegionLoads(ClusterStatusProtos.RegionLoad.newBuilder()
              .setRegionSpecifier(HBaseProtos.RegionSpecifier.newBuilder()
                .setType(HBaseProtos.RegionSpecifier.RegionSpecifierType.REGION_NAME)
                .setValue(UnsafeByteOperations.unsafeWrap(name)))
              .setStores(1).setStorefiles(1 + sz / 1500).setStoreUncompressedSizeMB(2 * sz)
              .setStorefileSizeMB(sz).setRegionSizeMB(sz).setMemStoreSizeMB(mem)
              .setStorefileIndexSizeKB(sz / 4).setRootIndexSizeKB(sz / 4)
              .setTotalStaticIndexSizeKB(sz / 2).setTotalStaticBloomSizeKB(sz)
              .setReadRequestsCount(rd).setWriteRequestsCount(wr)
              .setFilteredReadRequestsCount(rd / 10).setDataLocality(local[i])
              .setCompleteSequenceId(1000 + i).build());
          }
          sl.setNumberOfRequests(recent).setTotalNumberOfRequests(tot)
            .setUsedHeapMB(4096 + (s * 37) % 8192).setMaxHeapMB(16384)
            .setReportStartTime(now - 3000).setReportEndTime(now).setInfoServerPort(16030);
          ClusterStatusProtos.LiveServerInfo live = ClusterStatusProtos.LiveServerInfo.newBuilder()
            .setServer(HBaseProtos.ServerName.newBuilder().setHostName(host(s, nK, perHost))
              .setPort(port(s, perHost)).setStartCode(code[s]))
            .setServerLoad(sl).build();
          co.writeMessage(2, live);
        }
        for (String d : dead) {
          ServerName sn = ServerName.valueOf(d);
          co.writeMessage(3, HBaseProtos.ServerName.newBuilder().setHostName(sn.getHostname())
            .setPort(sn.getPort()).setStartCode(sn.getStartcode()).build());
        }
        co.writeMessage(5, ClusterIdProtos.ClusterId.newBuilder()
          .setClusterId("00000000-0000-0000-0000-0000000" + (10000 + a.num("seed", 1))).build());
        co.writeMessage(7, HBaseProtos.ServerName.newBuilder().setHostName("master.example.org")
          .setPort(16000).setStartCode(T0).build());
        co.writeBool(9, true);
        co.writeInt32(10, 16010);
        co.flush();
      }
    }
    System.out.println(new J().put("cmd", "gen").put("out", out).put("shape", shape)
      .put("regions", n).put("servers", nS).put("tables", nT).put("replicas", nR).put("racks", nK)
      .put("bytes", new File(out).length()));
  }

  static String host(int s, int racks, int perHost) {
    int h = s / perHost;
    return racks > 1
      ? String.format("s%05d-r%02d.example.org", h, h % racks)
      : String.format("s%05d.example.org", h);
  }

  static int port(int s, int perHost) {
    return 16020 + s % perHost;
  }

  /** Round robin that runs on from table to table: level per table and in total. */
  static void deal(int[] at, int[] servers, int[] start, int nT, int nR, Random r) {
    long next = 0;
    for (int t = 0; t < nT; t++) {
      int groups = (start[t + 1] - start[t]) / nR;
      int[] g = new int[groups];
      for (int i = 0; i < groups; i++) {
        g[i] = i;
      }
      shuffle(g, r);
      for (int i : g) {
        for (int k = 0; k < nR; k++) {
          at[start[t] + i * nR + k] = servers[(int) (next++ % servers.length)];
        }
      }
    }
  }
}
