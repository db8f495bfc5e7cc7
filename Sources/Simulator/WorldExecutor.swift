import Dispatch

/// Runs all tasks of one world one after the other, so that nothing in it waits for a thread to wake up.
///
/// It prefers no order of its own: first come, first served.
final class WorldExecutor: TaskExecutor {
    private let queue = DispatchQueue(label: "world")

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        queue.async { [self] in job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}
