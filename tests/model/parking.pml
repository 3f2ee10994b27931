/* tests/model/parking.pml: How the threads of bide hand one connection to each other.

   The model has one slot for connections, used by two connections one after the other, and one
   wait queue with one job. Around them run two pool threads, the notifier, the watcher, the reaper,
   the accept loop and the thread that drains. README.md in this folder says what is left out.

   "At" names the function that a step stands for; `check` looks that up in the sources. Names in
   capitals after #ifdef are mutations: each takes one safeguard away, and `check` expects spin to
   find the harm. */

/* How much may happen in a run. `check` tries several of these together. */
#ifndef REQUESTS
#define REQUESTS 1   /* on one connection */
#endif
#ifndef LIVES
#define LIVES 1      /* connections */
#endif
#ifndef EVENTS
#define EVENTS 1     /* that the watcher applies */
#endif
#ifndef RESETS
#define RESETS 0
#endif
#ifndef DEADLINES
#define DEADLINES 0  /* that pass */
#endif
#ifndef LOOKS
#define LOOKS 0      /* of the reaper */
#endif
#ifndef ROUNDS
#define ROUNDS 0     /* times that a request is parked again after its turn */
#endif
#ifndef DRAINS
#define DRAINS 0
#endif

mtype = { kReading, kParked, kLingering };                             /* Connection::Phase */
mtype = { LOOK, SERVE_ON };                                            /* tasks of the pool */
mtype = { EVENT, SERVE, GIVE, ENTER, JUDGE, TAKE_BACK, UNPARK, FINISH, LINGER, REST, CLOSE, RELEASE };

/* Connection::News */
#define INPUT 1
#define FIN 2
#define RESET 4

/* --- The connection. Its word (server/net/connection.h): life, turn, owned, parked, half, noted. */
byte life, turn, noted;
bool owned = true, parked, half;
#define TICKET (life * 16 + turn)
#ifdef CLAIM_WITHOUT_TICKET
#define MAY_CLAIM(t) (!owned)
#else
#define MAY_CLAIM(t) (!owned && TICKET == (t))
#endif
#ifdef PARK_WITHOUT_TICKET
#define PRESENT(t) (!owned)
#else
#define PRESENT(t) (!owned && TICKET == (t))
#endif
/* What of the news cannot wait while parked. At server/net/connection.cc: urgent */
#define URGENT(news, h) ((news) & (h -> RESET : RESET | FIN))

/* The members that belong to the owner. */
mtype phase = kReading;
byte input;             /* Requests received and not served. */
bool half_closed, close_after;
byte parked_ticket;     /* What try_claim() claims with. */

/* --- The socket, and what the client has done. */
bool open, fin, reset, edge;   /* edge: epoll has something to tell. */
byte watched, said, inbox;     /* watched: the life in epoll's key. */

/* --- The wait queue. */
bool mutex, linked, changed, queue_draining, handing_out;
byte seen, version;            /* The waiter's terms; the job. */
#ifdef JUDGE_BEFORE_LOCK
byte queue_seen;               /* The job as the thread that parks has seen it. */
#define STATE_JUDGED queue_seen
#else
#define STATE_JUDGED version
#endif
bool overdue;                  /* The deadline of the current request has passed. */
bool sleeping, timed;          /* The notifier, in wait_until(); with a deadline. */

/* --- Everything else. */
bool draining, drained, in_use;
byte lives = LIVES, events = EVENTS, resets = RESETS, deadlines = DEADLINES, looks = LOOKS;
byte rounds = ROUNDS;
chan tasks = [5] of { mtype, byte, byte };

/* --- What only the proof knows. */
#define NOBODY 100
#define A_TASK 101
byte owner = NOBODY;
byte current;                  /* The request under way; they are numbered through. */
bool answered = true;
byte busy;                     /* Threads that have something in hand, without the notifier. */

#define TOUCH assert(in_use && owner == _pid)

inline own() {
  assert(in_use && owner == NOBODY);
  owned = true; parked = false; half = false;
  owner = _pid
}

inline post(what, about, with) {
  assert(len(tasks) < 5);
  tasks!what(about, with)
}

/* At server/net/connection.cc: Connection::end_life */
inline end_life() {
#ifndef LIFE_STAYS
  life++;
#endif
  turn = 0; noted = 0; owned = true; parked = false; half = false; parked_ticket = 0
}

inline notify_one() { sleeping = false }

/* The owner sends a response, and goes on. At server/net/sender.cc: Sender::send */
inline answer() {
  TOUCH;
  assert(meant == current);       /* It is no answer to another request. */
  assert(!answered);              /* Nor a second one to this. */
  answered = true;
  /* At server/net/front.cc: Front::finish_sending */
  if
  :: reset -> step = CLOSE        /* Sending failed. */
  :: !reset && close_after -> input = 0; step = LINGER
  :: !reset && !close_after && serving -> step = SERVE
  :: !reset && !close_after && !serving && input == 0 -> phase = kReading; step = REST
  :: !reset && !close_after && !serving && input > 0 ->
     owner = A_TASK; post(SERVE_ON, 0, 0); over()
  fi
}

/* The owner is about to park. At server/http1/http1_parking.cc: Http1::park */
inline prepare(again) {
  TOUCH;
  assert(!linked);                /* The terms are the owner's to write. */
  phase = kParked; meant = current;
  /* At server/http1/http1_parking.cc: Http1::look_for_fin */
  if
  :: !again && inbox == 0 && fin && !reset -> half_closed = true
  :: else
  fi;
  step = GIVE
}

/* The thread has given the connection away, or lost a race for it. */
inline over() { busy--; news = 0; key = 0; ticket = 0; meant = 0; serving = false; break }

/* The thread is about to let go of the connection. */
inline end_turn() {
  do
  /* At server/net/front.cc: Front::half_close */
  /* At server/net/front.cc: Front::linger */
  :: atomic { step == LINGER -> TOUCH;
       inbox = 0; phase = kLingering;
       step = (fin || reset -> CLOSE : REST) }

  /* At server/net/front.cc: Front::rest */
  /* At server/net/connection.cc: Connection::rest */
  :: atomic { step == REST -> TOUCH;
       news = noted; turn++; assert(turn < 16);
       noted = 0; owned = false; parked = false; half = false; owner = NOBODY;
       /* At server/net/front.cc: Front::look_again */
       if
#ifndef DROP_NOTED
       :: news -> post(LOOK, life, news)
#endif
       :: else
       fi;
       over() }

  /* At server/net/front.cc: Front::close */
  :: atomic { step == CLOSE -> TOUCH;
       assert(!linked);           /* The queue has forgotten it. */
       open = false; edge = false; fin = false; reset = false;
       inbox = 0; input = 0; phase = kReading; half_closed = false; close_after = false;
       answered = true; seen = 0; overdue = false;
#ifdef RELEASE_BEFORE_END_LIFE
       in_use = false; owner = NOBODY;
#else
       end_life();
#endif
       step = RELEASE }
  /* At server/net/connection_slots.cc: ConnectionSlots::release */
  :: atomic { step == RELEASE ->
#ifdef RELEASE_BEFORE_END_LIFE
       end_life();
#else
       TOUCH; in_use = false; owner = NOBODY;
#endif
       over() }
  od
}

/* One thread's way with a connection, from `step` on until it is over. */
#define TURN_LOCALS mtype step; byte news, key, ticket, meant; bool serving

inline take_turn() {
  do
  /* At server/net/front.cc: Front::on_events */
  /* At server/net/connection.cc: Connection::on_events */
  :: atomic { step == EVENT ->
       if
       :: key != life -> over()
       :: key == life && parked && !URGENT(news, half) -> noted = noted | news; over()
#ifdef EVENT_IGNORES_OWNER
       :: key == life && !(parked && !URGENT(news, half)) ->
#else
       :: key == life && owned -> noted = noted | news; over()
       :: key == life && !owned && !(parked && !URGENT(news, half)) ->
#endif
          noted = 0; own();
          /* At server/net/front.cc: Front::take_turn */
          if
          :: phase == kParked -> step = UNPARK;
#ifdef UNPARK_WITHOUT_CLAIM
             owned = false; parked = true; owner = NOBODY; ticket = TICKET
#endif
          :: phase == kLingering -> step = LINGER
          :: phase == kReading -> noted = news & (FIN | RESET);
             /* At server/http1/http1.cc: Http1::read */
             if
             :: reset || (inbox == 0 && fin) -> step = CLOSE
             :: !reset && inbox > 0 -> input = input + inbox; inbox = 0; step = SERVE
             :: !reset && inbox == 0 && !fin -> step = REST
             fi
          fi
       fi }

  /* At server/http1/http1.cc: Http1::serve */
  :: atomic { step == SERVE -> TOUCH; phase = kReading;
       if
       :: input == 0 -> step = REST
       :: input > 0 ->
          /* At server/http1/http1.cc: Http1::begin */
          assert(answered);
          input--; current++; answered = false; overdue = false;
          close_after = draining; serving = true; meant = current;
          seen = version;         /* The client has been told of all that there is. */
#ifdef JUDGE_BEFORE_LOCK
          queue_seen = version;
#endif
          if :: answer() :: prepare(false) fi
       fi }

  /* At server/net/connection.cc: Connection::rest_parked */
  :: atomic { step == GIVE -> TOUCH;
       key = life; turn++; assert(turn < 16);
       parked_ticket = TICKET; ticket = TICKET;
       owned = false; parked = true; half = half_closed; owner = NOBODY;
       if
#ifndef DROP_URGENT
       :: URGENT(noted, half) -> post(LOOK, key, URGENT(noted, half))
#endif
       :: else
       fi;
       key = 0; step = ENTER }
  /* At core/table/shard.cc: Shard::try_park */
  :: atomic { step == ENTER && !mutex ->
       if
       :: PRESENT(ticket) -> mutex = true; step = JUDGE
       :: else -> over()          /* kGone */
       fi }
  :: atomic { step == JUDGE -> mutex = false;
       if
       :: STATE_JUDGED != seen -> step = TAKE_BACK                        /* kReady */
#ifndef PARK_WHILE_DRAINING
       :: STATE_JUDGED == seen && queue_draining -> step = TAKE_BACK     /* kDraining */
       :: STATE_JUDGED == seen && !queue_draining ->
#else
       :: STATE_JUDGED == seen ->
#endif
          assert(!linked && !drained);
          assert(meant == current);
          linked = true;
          /* At core/parking/wait_queue.cc: WaitQueue::try_park */
#ifndef DROP_NOTIFY_OF_PARK
          notify_one();
#endif
          over()
       fi }
  /* At server/net/connection.cc: Connection::claim */
  :: atomic { step == TAKE_BACK ->
       if
       :: MAY_CLAIM(ticket) -> own(); phase = kReading; answer()
       :: else -> over()          /* The client has hung up. */
       fi }

  /* At server/http1/http1_parking.cc: Http1::hear */
  /* At core/table/shard.cc: Shard::unpark */
  :: atomic { step == UNPARK && !mutex ->
#ifndef CLOSE_WITHOUT_UNPARK
       linked = false;
#endif
#ifdef UNPARK_WITHOUT_CLAIM
       if :: MAY_CLAIM(ticket) -> own() :: else -> over() fi;
#endif
       /* At server/http1/http1_parking.cc: Http1::left */
       TOUCH;
       assert(fin || reset);      /* It is this client that left. */
       if
       :: !(news & RESET) ->      /* Right behind the request. */
          half_closed = true; noted = noted | news; news = 0; prepare(true)
       :: step = CLOSE
       fi }

  /* At server/http1/http1_parking.cc: Http1::finish */
  :: atomic { step == FINISH ->
       if :: draining -> close_after = true :: else fi;
       if
       :: answer()
       :: rounds > 0 -> assert(meant == current); rounds--; seen = news; news = 0; prepare(true)
       fi }

  :: step == LINGER || step == REST || step == CLOSE -> end_turn(); break
  od
}

/* At server/net/pool.cc: Pool::work */
active [2] proctype PoolThread() {
  TURN_LOCALS;
end:
  if
  :: atomic { edge -> edge = false; key = watched; busy++;
       /* epoll tells of all that holds when it is asked. */
       news = INPUT | (fin -> FIN : 0) | (reset -> RESET | FIN : 0);
       step = EVENT }
  :: atomic { tasks?LOOK(key, news) -> busy++; step = EVENT }
  :: atomic { tasks?SERVE_ON(_, _) -> busy++;
       assert(owner == A_TASK); owner = _pid; step = SERVE }
  fi;
  take_turn();
  goto end
}

/* At core/parking/wait_queue.cc: WaitQueue::run */
active proctype Notifier() {
  TURN_LOCALS;
  atomic { !mutex -> mutex = true };
  do
  /* At core/table/shard_waiting.cc: Shard::collect_changed */
  /* At core/table/shard_waiting.cc: Shard::collect_due */
  :: atomic { linked && ((changed && version != seen) || queue_draining || overdue) ->
       changed = false; linked = false; meant = current; news = version };
     /* At core/parking/wait_queue.cc: WaitQueue::take_out */
#ifdef CLAIM_AFTER_UNLOCK
     mutex = false;
#endif
     if
     /* At core/parking/wait_queue.cc: WaitQueue::deliver */
     :: atomic { MAY_CLAIM(parked_ticket) -> own();
          handing_out = true; mutex = false; busy++; step = FINISH };
        take_turn();
        atomic { !mutex -> mutex = true; handing_out = false }
#ifdef ANSWER_WITHOUT_CLAIM
     :: atomic { !MAY_CLAIM(parked_ticket) -> owned = true; owner = _pid;
          handing_out = true; mutex = false; busy++; step = FINISH };
        take_turn();
        atomic { !mutex -> mutex = true; handing_out = false }
#else
     /* The client has hung up. */
     :: atomic { !MAY_CLAIM(parked_ticket) -> meant = 0; news = 0 }
#ifdef CLAIM_AFTER_UNLOCK
        ; atomic { !mutex -> mutex = true }
#endif
#endif
     fi
  /* Nothing is ready: it sleeps. At core/parking/wait_queue.cc: WaitQueue::run */
  :: atomic { !(linked && ((changed && version != seen) || queue_draining || overdue)) ->
       changed = false; mutex = false; sleeping = true; timed = linked };
end:
     atomic { (!sleeping || (timed && overdue)) && !mutex ->
       mutex = true; sleeping = false; timed = false }
  od
}

/* The watcher's thread applies an event. At core/table/shard.cc: Shard::apply */
active proctype Watcher() {
end:
  do
  :: atomic { events > 0 && !mutex -> events--; version++;
       /* At core/table/shard.cc: Shard::changed */
       if
       :: linked -> changed = true; busy++
       :: else -> goto end
       fi };
     atomic {
#ifndef DROP_NOTIFY
       notify_one();
#endif
       busy-- }
  od
}

/* At server/net/front.cc: Front::adopt */
active proctype AcceptLoop() {
  TURN_LOCALS;
end:
  do
  :: atomic { lives > 0 && !in_use && !draining ->
       /* At server/net/connection_slots.cc: ConnectionSlots::acquire */
       lives--; in_use = true; owner = _pid; busy++;
       open = true; watched = life; said = 0; step = REST };
     end_turn()
  od
}

/* At server/net/reaper.cc: Reaper::look_at */
active proctype Reaper() {
  TURN_LOCALS;
end:
  do
  :: atomic { looks > 0 && !owned && !parked -> looks--; ticket = TICKET };
#ifdef REAP_WITHOUT_TICKET
     if
     :: atomic { !owned -> own(); busy++;
#else
     if
     :: atomic { MAY_CLAIM(ticket) -> own(); busy++;
#endif
          /* At server/net/front.cc: Front::on_expired */
          step = CLOSE };
        end_turn()
     :: else -> ticket = 0
     fi
  od
}

/* At server/net/front_room.cc: Front::drain */
active proctype Drainer() {
  TURN_LOCALS;
end:
  DRAINS > 0;
  draining = true;
  /* At core/parking/wait_queue.cc: WaitQueue::begin_drain */
  atomic { !mutex -> queue_draining = true;
#ifndef DROP_NOTIFY_OF_DRAIN
    notify_one()
#endif
  };
  /* At core/parking/wait_queue.cc: WaitQueue::finish_drain. It looks once a second in any case. */
  atomic { !mutex && !linked && !handing_out -> drained = true };
  /* At server/net/front_room.cc: Front::say_goodbye */
  if
  :: atomic { !owned && !parked -> ticket = TICKET };
     if
     :: atomic { MAY_CLAIM(ticket) -> own(); busy++;
          if
          :: phase == kReading && input == 0 && inbox == 0 -> step = LINGER
          :: phase == kReading && input == 0 && inbox > 0 -> noted = noted | INPUT; step = REST
          :: else -> step = REST
          fi };
        end_turn()
     :: else
     fi
  :: else
  fi
}

/* Clients, and time. */
active proctype World() {
end:
  do
  :: d_step { open && !fin && !reset && said < REQUESTS -> said++; inbox++; edge = true }
  :: d_step { open && !fin && !reset -> fin = true; edge = true }
  :: d_step { open && !reset && resets > 0 -> resets--; reset = true; edge = true }
  :: d_step { deadlines > 0 && !answered && !overdue -> deadlines--; overdue = true }
  od
}

/* When all threads sleep, and nothing is on its way to them ... */
#define QUIET (busy == 0 && len(tasks) == 0 && !edge && sleeping && !(timed && overdue))
/* ... a request waits rightly: its job has not changed, its time is not up, its client is there ... */
#define WAITS (parked && linked && version == seen && !overdue && !queue_draining && !reset && \
               (!fin || half_closed) && (inbox == 0 || noted))
/* ... or there is none, and all that the client has done has been heard. */
#define RESTS (!parked && !linked && inbox == 0 && !fin && !reset)

active proctype Judge() {
end:
  atomic { QUIET && !(in_use -> (!owned && owner == NOBODY && (answered -> RESTS : WAITS))
                             : !linked) -> assert(false) }
}
