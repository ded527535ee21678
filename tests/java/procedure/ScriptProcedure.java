package hmaster.tests;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.hbase.DoNotRetryIOException;
import org.apache.hadoop.hbase.procedure2.LockAndQueue;
import org.apache.hadoop.hbase.procedure2.Procedure;
import org.apache.hadoop.hbase.procedure2.ProcedureStateSerializer;
import org.apache.hadoop.hbase.procedure2.ProcedureSuspendedException;
import org.apache.hadoop.hbase.procedure2.ProcedureYieldException;
import org.apache.hadoop.hbase.procedure2.StateMachineProcedure;
import org.apache.hadoop.hbase.shaded.protobuf.generated.HBaseProtos.NameStringPair;
import org.apache.hadoop.hbase.shaded.protobuf.generated.ProcedureProtos.ProcedureState;
import org.apache.hbase.thirdparty.com.google.gson.JsonArray;
import org.apache.hbase.thirdparty.com.google.gson.JsonElement;
import org.apache.hbase.thirdparty.com.google.gson.JsonObject;
import org.apache.hbase.thirdparty.com.google.gson.JsonParser;

/**
 * A procedure that is told what to do by a script, as its twin in Rust is: state i does step i. Its state data are the
 * script and what it has counted, both as JSON.
 */
public class ScriptProcedure extends StateMachineProcedure<ScriptPeer.World, Integer> {
  private String json;
  private JsonObject script;
  private JsonElement heard;
  private int count;
  private List<LockAndQueue> held;

  /** For loading. */
  public ScriptProcedure() {
  }

  ScriptProcedure(String json) {
    read(json, "[[],0]");
  }

  private void read(String json, String value) {
    this.json = json;
    script = JsonParser.parseString(json).getAsJsonObject();
    JsonArray pair = JsonParser.parseString(value).getAsJsonArray();
    heard = pair.get(0);
    count = pair.get(1).getAsInt();
  }

  String name() {
    return script.get("name").getAsString();
  }

  private JsonArray steps() {
    return script.getAsJsonArray("steps");
  }

  @Override
  protected Flow executeFromState(ScriptPeer.World world, Integer state)
    throws ProcedureSuspendedException, ProcedureYieldException {
    JsonElement step = steps().get(state);
    String kind = step.isJsonObject() ? step.getAsJsonObject().keySet().iterator().next() : step.getAsString();
    JsonElement argument = step.isJsonObject() ? step.getAsJsonObject().get(kind) : null;
    boolean last = state + 1 >= steps().size();
    boolean again = false;
    switch (kind) {
      case "fail":
        setFailure("ScriptProcedure", new DoNotRetryIOException(name() + " fails"));
        return Flow.NO_MORE_STATE;
      case "repeat":
        again = count + 1 < argument.getAsInt();
        break;
      case "sleep":
        again = count == 0;
        break;
      case "children":
        for (JsonElement child : argument.getAsJsonArray()) {
          addChildProcedure(new ScriptProcedure(child.toString()));
        }
        break;
      case "do":
      case "yield":
        break;
      default:
        throw new UnsupportedOperationException(kind);
    }
    if (again) {
      count++;
      if (kind.equals("sleep")) {
        sleep(argument.getAsInt());
      }
      return Flow.HAS_MORE_STATE;
    }
    count = 0;
    world.mark(name() + "/" + state);
    if (!last) {
      setNextState(state + 1);
    }
    return last ? Flow.NO_MORE_STATE : Flow.HAS_MORE_STATE;
  }

  private void sleep(int millis) throws ProcedureSuspendedException {
    setTimeout(millis);
    setState(ProcedureState.WAITING_TIMEOUT);
    if (millis % 2 == 0) {
      skipPersistence();
    }
    throw new ProcedureSuspendedException();
  }

  @Override
  protected synchronized boolean setTimeoutFailure(ScriptPeer.World world) {
    setState(ProcedureState.RUNNABLE);
    world.scheduler.addFront(this);
    return false;
  }

  @Override
  protected void rollbackState(ScriptPeer.World world, Integer state) {
    world.unmark(name() + "/" + state);
  }

  @Override
  protected boolean isRollbackSupported(Integer state) {
    return script.get("undo").getAsBoolean();
  }

  @Override
  protected Integer getState(int number) {
    return number;
  }

  @Override
  protected int getStateId(Integer state) {
    return state;
  }

  @Override
  protected Integer getInitialState() {
    return 0;
  }

  @Override
  protected LockState acquireLock(ScriptPeer.World world) {
    synchronized (world) {
      held = new ArrayList<>();
      for (JsonElement lock : script.getAsJsonArray("locks")) {
        String resource = lock.getAsString();
        LockAndQueue queue = world.lock(resource.substring(0, resource.length() - 2));
        boolean got = resource.endsWith(":x") ? queue.tryExclusiveLock(this) : queue.trySharedLock(this);
        if (!got) {
          releaseLock(world);
          return LockState.LOCK_YIELD_WAIT;
        }
        held.add(queue);
      }
      return LockState.LOCK_ACQUIRED;
    }
  }

  @Override
  protected void releaseLock(ScriptPeer.World world) {
    synchronized (world) {
      JsonArray locks = script.getAsJsonArray("locks");
      for (int i = 0; held != null && i < held.size(); i++) {
        if (locks.get(i).getAsString().endsWith(":x")) {
          held.get(i).releaseExclusiveLock(this);
        } else {
          held.get(i).releaseSharedLock();
        }
      }
      held = null;
    }
  }

  @Override
  protected boolean holdLock(ScriptPeer.World world) {
    return script.get("holds").getAsBoolean();
  }

  @Override
  public byte[] getResult() {
    return isSuccess() ? name().getBytes(StandardCharsets.UTF_8) : super.getResult();
  }

  @Override
  protected void serializeStateData(ProcedureStateSerializer serializer) throws IOException {
    super.serializeStateData(serializer);
    String value = "[" + heard + "," + count + "]";
    serializer.serialize(NameStringPair.newBuilder().setName(json).setValue(value).build());
  }

  @Override
  protected void deserializeStateData(ProcedureStateSerializer serializer) throws IOException {
    super.deserializeStateData(serializer);
    NameStringPair pair = serializer.deserialize(NameStringPair.class);
    read(pair.getName(), pair.getValue());
  }
}
