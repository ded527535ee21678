package hmaster.tests;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hbase.HBaseConfiguration;
import org.apache.hadoop.hbase.procedure2.LockAndQueue;
import org.apache.hadoop.hbase.procedure2.Procedure;
import org.apache.hadoop.hbase.procedure2.ProcedureExecutor;
import org.apache.hadoop.hbase.procedure2.ProcedureUtil;
import org.apache.hadoop.hbase.procedure2.SimpleProcedureScheduler;
import org.apache.hadoop.hbase.procedure2.store.NoopProcedureStore;
import org.apache.hadoop.hbase.procedure2.store.ProcedureStore.ProcedureIterator;
import org.apache.hadoop.hbase.procedure2.store.ProcedureTree;
import org.apache.hadoop.hbase.shaded.protobuf.generated.ProcedureProtos;
import org.apache.hadoop.hbase.util.Bytes;

/**
 * Java's procedure framework beside hmaster's. Commands come as lines on standard input, rows as hexadecimal numbers:
 * "check ROW..." reads rows and writes them again; "run MARKS ROW..." ends what the rows say; "produce SCRIPT" runs a
 * script and tells of every batch that was stored, with the marks at that time.
 */
public class ScriptPeer {
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);
  private static final Configuration CONF = HBaseConfiguration.create();

  /** What scripts leave their marks in, and their locks. */
  public static class World {
    final SimpleProcedureScheduler scheduler = new SimpleProcedureScheduler();
    private final TreeSet<String> marks = new TreeSet<>();
    private final Map<String, LockAndQueue> locks = new HashMap<>();
    private ProcedureExecutor<World> executor;

    synchronized void mark(String mark) {
      marks.add(mark);
    }

    synchronized void unmark(String mark) {
      marks.remove(mark);
    }

    synchronized String marks() {
      return marks.isEmpty() ? "-" : String.join(",", marks);
    }

    synchronized LockAndQueue lock(String resource) {
      return locks.computeIfAbsent(resource, key -> new LockAndQueue(executor::getProcedure));
    }
  }

  /** Rows in memory, and a list of the batches that came. */
  private static class Store extends NoopProcedureStore {
    private final List<ProcedureProtos.Procedure> rows;
    private final World world;
    private final List<String> batches = new ArrayList<>();
    private boolean closed;

    Store(List<ProcedureProtos.Procedure> rows, World world) {
      this.rows = rows;
      this.world = world;
    }

    @Override
    public void load(ProcedureLoader loader) throws IOException {
      loader.setMaxProcId(rows.stream().mapToLong(ProcedureProtos.Procedure::getProcId).max().orElse(0));
      ProcedureTree tree = ProcedureTree.build(rows);
      loader.load(tree.getValidProcs());
      loader.handleCorrupted(tree.getCorruptedProcs());
    }

    private static String put(Procedure<?> proc) {
      try {
        return " put:" + Bytes.toHex(ProcedureUtil.convertToProtoProcedure(proc).toByteArray());
      } catch (IOException e) {
        throw new AssertionError(e);
      }
    }

    private synchronized void batch(Procedure<?>[] puts, long... deletes) {
      StringBuilder batch = new StringBuilder(world.marks());
      for (Procedure<?> proc : puts) {
        batch.append(put(proc));
      }
      for (long id : deletes) {
        batch.append(" delete:").append(id);
      }
      batches.add(batch.toString());
    }

    synchronized List<String> batches() {
      return new ArrayList<>(batches);
    }

    @Override
    public void insert(Procedure<?> proc, Procedure<?>[] children) {
      List<Procedure<?>> all = new ArrayList<>(List.of(proc));
      if (children != null) {
        all.addAll(Arrays.asList(children));
      }
      batch(all.toArray(new Procedure<?>[0]));
    }

    @Override
    public void insert(Procedure<?>[] procs) {
      batch(procs);
    }

    @Override
    public void update(Procedure<?> proc) {
      batch(new Procedure<?>[] { proc });
    }

    @Override
    public void delete(long id) {
      batch(new Procedure<?>[0], id);
    }

    @Override
    public void delete(Procedure<?> proc, long[] children) {
      batch(new Procedure<?>[] { proc }, children);
    }

    @Override
    public void delete(long[] ids, int offset, int count) {
      batch(new Procedure<?>[0], Arrays.copyOfRange(ids, offset, offset + count));
    }
  }

  public static void main(String[] args) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = in.readLine()) != null;) {
      String[] words = line.split(" ");
      switch (words[0]) {
        case "check":
          check(rows(words, 1));
          break;
        case "run":
          run(words[1], rows(words, 2));
          break;
        case "produce":
          produce(words[1]);
          break;
        default:
          throw new IllegalArgumentException(line);
      }
      OUT.println("done");
    }
    System.exit(0);
  }

  private static List<ProcedureProtos.Procedure> rows(String[] words, int from) throws IOException {
    List<ProcedureProtos.Procedure> rows = new ArrayList<>();
    for (int i = from; i < words.length; i++) {
      rows.add(ProcedureProtos.Procedure.parseFrom(Bytes.fromHex(words[i])));
    }
    return rows;
  }

  /** Reads rows as a loading master does, and writes what was read. */
  private static void check(List<ProcedureProtos.Procedure> rows) throws IOException {
    ProcedureTree tree = ProcedureTree.build(rows);
    Map<Long, ProcedureProtos.Procedure> byId = new HashMap<>();
    rows.forEach(row -> byId.put(row.getProcId(), row));
    for (ProcedureIterator corrupted = tree.getCorruptedProcs(); corrupted.hasNext();) {
      OUT.println("corrupted " + corrupted.next());
    }
    for (ProcedureIterator valid = tree.getValidProcs(); valid.hasNext();) {
      Procedure<?> proc = valid.next();
      // That it held its lock isn't so before it has it again. Reading a failure counts as a change.
      ProcedureProtos.Procedure row = byId.get(proc.getProcId()).toBuilder().clearLocked().build();
      ProcedureProtos.Procedure again = ProcedureUtil.convertToProtoProcedure(proc);
      again = again.toBuilder().setLastUpdate(row.getLastUpdate()).build();
      if (!Arrays.equals(row.toByteArray(), again.toByteArray())) {
        OUT.println("differs\n" + row + "\n" + again);
      }
    }
  }

  private static ProcedureExecutor<World> start(Store store) throws IOException {
    World world = store.world;
    ProcedureExecutor<World> executor = new ProcedureExecutor<>(CONF, world, store, world.scheduler);
    world.executor = executor;
    // With two of them Java's executor now and then never rolls a failed tree back, and its workers are idle.
    int workers = 1;
    store.start(workers);
    executor.init(workers, true);
    executor.startWorkers();
    return executor;
  }

  private static void run(String marks, List<ProcedureProtos.Procedure> rows) throws Exception {
    World world = new World();
    if (!marks.equals("-")) {
      world.marks.addAll(Arrays.asList(marks.split(",")));
    }
    ProcedureExecutor<World> executor = start(new Store(rows, world));
    for (ProcedureProtos.Procedure row : rows) {
      if (!row.hasParentId()) {
        await(executor, row.getProcId());
        tell(executor, row.getProcId());
      }
    }
    OUT.println("marks " + world.marks());
    end(executor);
  }

  private static void produce(String script) throws Exception {
    World world = new World();
    Store store = new Store(List.of(), world);
    ProcedureExecutor<World> executor = start(store);
    long id = executor.submitProcedure(new ScriptProcedure(script));
    await(executor, id);
    tell(executor, id);
    store.batches().forEach(batch -> OUT.println("batch " + batch));
    end(executor);
  }

  private static void tell(ProcedureExecutor<World> executor, long id) {
    Procedure<World> proc = executor.getResult(id);
    String how = proc.isFailed() ? proc.getException().getCause().getClass().getName() : "success";
    OUT.println("end " + ((ScriptProcedure) proc).name() + " " + how);
  }

  private static void await(ProcedureExecutor<World> executor, long id) throws Exception {
    for (int i = 0; !executor.isFinished(id); i++) {
      if (i > 20000) {
        StringBuilder said = new StringBuilder("pid=" + id + " doesn't end: ");
        executor.getActiveProceduresNoCopy().forEach(proc -> said.append("\n").append(proc.toStringDetails()));
        Thread.getAllStackTraces().forEach((thread, frames) -> {
          if (thread.getName().startsWith("PEWorker")) {
            said.append("\n").append(thread).append(' ').append(Arrays.toString(frames));
          }
        });
        throw new IllegalStateException(said.toString());
      }
      Thread.sleep(1);
    }
  }

  private static void end(ProcedureExecutor<World> executor) {
    executor.stop();
    executor.getStore().stop(false);
  }
}
