import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;

/** Starts one node on loopback: Launcher HOME PORT DATA. Run in source mode; it ends with its process. */
public final class Launcher {
    public static void main(String[] args) throws Exception {
        var settings = Settings.builder()
            .put("path.home", args[0])
            .put("path.data", args[2])
            .put("path.logs", Path.of(args[2], "logs").toString())
            .put("node.name", "test")
            .put("cluster.name", "hotline-test")
            .put("network.host", "127.0.0.1")
            .put("http.port", args[1])
            .put("transport.port", "0")
            .put("discovery.type", "single-node")
            .put("action.auto_create_index", false)
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .build();
        LogConfigurator.configureWithoutConfig(Settings.builder().put("logger.level", "WARN").build());
        LogConfigurator.configureESLogging();
        var env = InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), null, () -> "test");
        var modules = PluginsLoader.loadModulesBundles(env.modulesDir());
        var node = new Node(env, PluginsLoader.createPluginsLoader(modules, Set.of(), Map.of(), false));
        var ended = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                node.close();
            } catch (Exception e) {
                e.printStackTrace();
            }
            ended.countDown();
        }));
        node.start();
        ended.await();
    }
}
