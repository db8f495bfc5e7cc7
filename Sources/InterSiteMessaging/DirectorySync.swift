/// Group commit of the names in one folder: one sync runs, and whoever comes meanwhile shares the next one.
///
/// A waiter counts only a sync that began after its own rename.
actor DirectorySync {
    private let folder: String
    private let fileSystem: any FileSystem
    private let threads: BlockingThreads
    private var isRunning = false
    private(set) var waiting: [CheckedContinuation<FileError?, Never>] = []

    init(folder: String, fileSystem: any FileSystem, threads: BlockingThreads) {
        self.folder = folder
        self.fileSystem = fileSystem
        self.threads = threads
    }

    /// Returns when every rename that was done before the call is durable.
    func sync() async throws(FileError) {
        let failure = await withCheckedContinuation { continuation in
            waiting.append(continuation)
            if !isRunning {
                isRunning = true
                Task { await run() }
            }
        }
        if let failure { throw failure }
    }

    private func run() async {
        while !waiting.isEmpty {
            let served = waiting
            waiting = []
            let failure = await syncOnce()
            for waiter in served { waiter.resume(returning: failure) }
        }
        isRunning = false
    }

    private func syncOnce() async -> FileError? {
        do throws(FileError) {
            try await threads.run { [fileSystem, folder] () throws(FileError) in
                try fileSystem.syncDirectory(folder)
            }
            return nil
        } catch {
            return error
        }
    }
}
