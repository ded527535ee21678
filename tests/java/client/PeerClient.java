import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hbase.HBaseConfiguration;
import org.apache.hadoop.hbase.client.Connection;
import org.apache.hadoop.hbase.client.ConnectionFactory;
import org.apache.hbase.thirdparty.com.google.gson.JsonElement;
import org.apache.hbase.thirdparty.com.google.gson.JsonObject;
import org.apache.hbase.thirdparty.com.google.gson.JsonParser;

/**
 * The Java HBase client for tests: one process, one open connection, commands as lines of JSON.
 *
 * <p>In: {"id": 1, "op": "name", "args": {...}}. Out, in the order in which they end, for each command
 * runs on its own thread: {"id": 1, "ok": value} or {"id": 1, "error": {"class": ..., "message": ...}}.
 * The first line is {"id": 0, "ok": "ready"}. Row keys and other bytes are written as HBase's shell does,
 * with \xNN for what does not print. The process ends with its standard input.
 *
 * <p>To add a command: most calls of Admin need none, since "admin" calls any of its methods. Otherwise
 * write a method and add it to a register method, as in Tables, Rows, Writers and Files.
 */
public final class PeerClient {
  /** One command: arguments in, anything that Json.of knows out. */
  interface Command {
    Object run(JsonObject args) throws Exception;
  }

  private final Configuration conf = HBaseConfiguration.create();
  private final Map<String, Command> commands = new TreeMap<>();
  private final PrintStream out;
  private Connection connection;

  private PeerClient(PrintStream out) {
    this.out = out;
    add("commands", args -> commands.keySet());
    add("reconnect", args -> reconnect());
    new AdminCalls(this).register();
    new Tables(this).register();
    new Rows(this).register();
    new Writers(this).register();
    new Files(this).register();
  }

  public static void main(String[] args) throws Exception {
    PrintStream replies = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err); // libraries that print must not mix with the replies
    new PeerClient(replies).serve();
    System.exit(0);
  }

  void add(String op, Command command) {
    if (commands.put(op, command) != null) {
      throw new IllegalStateException("two commands are called " + op);
    }
  }

  Configuration conf() {
    return conf;
  }

  /** The connection, opened by the first command that needs it. */
  synchronized Connection connection() throws Exception {
    if (connection == null) {
      connection = ConnectionFactory.createConnection(conf);
    }
    return connection;
  }

  private synchronized Object reconnect() throws Exception {
    if (connection != null) {
      connection.close();
      connection = null;
    }
    return null;
  }

  private void serve() throws Exception {
    ExecutorService threads = Executors.newCachedThreadPool();
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    reply(0, "ok", Json.of("ready"));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonObject request = new JsonParser().parse(line).getAsJsonObject();
      threads.execute(() -> answer(request));
    }
  }

  private void answer(JsonObject request) {
    long id = request.get("id").getAsLong();
    try {
      String op = request.get("op").getAsString();
      Command command = commands.get(op);
      if (command == null) {
        throw new IllegalArgumentException("no command " + op + " among " + commands.keySet());
      }
      reply(id, "ok", Json.of(command.run(request.getAsJsonObject("args"))));
    } catch (Throwable failure) {
      failure.printStackTrace();
      reply(id, "error", describe(failure));
    }
  }

  private static JsonObject describe(Throwable failure) {
    JsonObject error = new JsonObject();
    error.addProperty("class", failure.getClass().getName());
    error.addProperty("message", String.valueOf(failure.getMessage()));
    return error;
  }

  private synchronized void reply(long id, String kind, JsonElement content) {
    JsonObject reply = new JsonObject();
    reply.addProperty("id", id);
    reply.add(kind, content);
    out.println(reply);
  }
}
