package import Identifiers
package import InterSiteMessaging
package import Logging
package import Store

/// What a DSA takes from the world around it, besides its data directory and its database.
package struct DSASurroundings: Sendable {
    package var now: @Sendable () -> Timestamp
    package var randomGUID: @Sendable () -> GUID
    package var log: Logger
    /// What the agent's own tasks run on; nil = the process's pool.
    package var taskExecutor: (any TaskExecutor)?

    package init(
        now: @escaping @Sendable () -> Timestamp,
        randomGUID: @escaping @Sendable () -> GUID = RandomSource.guid,
        log: Logger,
        taskExecutor: (any TaskExecutor)? = nil
    ) {
        self.taskExecutor = taskExecutor
        self.now = now
        self.randomGUID = randomGUID
        self.log = log
    }
}

/// The directory half of a running DSA: its database, what it knows of partners, and the agent between them.
///
/// The program puts sockets and an admin interface around it; the simulator runs many in one process. All that is
/// done at a start to a database, before anything is sent, is done here.
package final class DirectorySystemAgent: Sendable {
    package let directory: DataDirectory
    package let store: DirectoryStore
    package let generation: GenerationFile
    package let partners: PartnerDirectory
    package let messaging: InterSiteMessagingService
    package let events: EventHub
    package let agent: ReplicationAgent
    package let comparison: ComparisonAgent

    /// - Throws: `AdminError` when the database cannot serve.
    package init(
        store: DirectoryStore,
        directory: DataDirectory,
        routes: [RouteRule],
        settings: ReplicationSettings,
        surroundings: DSASurroundings
    ) async throws {
        self.store = store
        self.directory = directory
        let bootID = surroundings.randomGUID()
        generation = try GenerationFile(directory, bootID: bootID)
        let life = DatabaseLife(
            store: store,
            generation: generation,
            randomGUID: surroundings.randomGUID,
            log: surroundings.log
        )
        try await life.begin(bootID: bootID, at: surroundings.now())
        events = EventHub()
        partners = try await PartnerDirectory(
            store: store,
            directory: directory,
            routes: routes,
            log: surroundings.log
        )
        messaging = InterSiteMessagingService(log: surroundings.log)
        agent = ReplicationAgent(
            store: store,
            messaging: messaging,
            partners: partners,
            generation: generation,
            events: events,
            settings: settings,
            log: surroundings.log,
            now: surroundings.now,
            randomGUID: surroundings.randomGUID,
            taskExecutor: surroundings.taskExecutor
        )
        comparison = ComparisonAgent(
            store: store,
            messaging: messaging,
            partners: partners,
            now: surroundings.now,
            randomGUID: surroundings.randomGUID
        )
    }

    /// After originating writes: tells partners, and reads the configuration again when that is what changed.
    package func announce(_ contexts: [GUID]) async throws {
        let changed = Set(contexts).sorted()
        if changed.contains(where: { partners.current.isForestWide($0) }) { try await partners.reload() }
        for context in changed { await agent.changed(context) }
    }

    /// Puts the agents behind the messaging service and the transport under it.
    ///
    /// `membershipChanged` is called after each reading of the configuration.
    package func connect(
        _ transport: any InterSiteTransport,
        membershipChanged: @escaping @Sendable () async -> Void = {}
    ) async {
        // Weak: agent, messaging and partners hold each other otherwise, and the database never closes.
        await messaging.register(service: ReplicationAgent.service) { [weak agent] message in
            guard let agent else { throw InterSiteMessagingError.stopped }
            try await agent.receive(message)
        }
        await messaging.register(service: ComparisonAgent.service) { [weak comparison] message in
            guard let comparison else { throw InterSiteMessagingError.stopped }
            try await comparison.receive(message)
        }
        await messaging.add(transport: transport)
        partners.whenChanged { [weak agent] in
            await agent?.topologyChanged()
            await membershipChanged()
        }
    }
}
