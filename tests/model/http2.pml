/* tests/model/http2.pml: How the answers of many exchanges reach their one connection.

   A connection's bytes are written by its owner alone, so the answers of many exchanges on one
   connection are queued to it and leave in one write (server/http2/). The words are those of
   parking.pml: the connection's without turns, and an exchange's with them.

   server/http2/ does two things in other ways, which allow less than this model. The queue has no
   mutex but one compare-and-swap, and when a connection ends, a mark takes the queue's place, so
   that later pushes fail (At server/http2/answer_queue.cc: AnswerQueue::push). And a notifier never
   becomes the connection's owner: it has a pool thread look at the connection instead.

   One slot for connections, used by two connections one after the other; two slots for exchanges;
   streams are numbered through. How a request waits is parking.pml's matter: here a notifier may
   answer whatever is parked, at any time. Around it run two pool threads, two notifiers, the accept
   loop and the thread that drains. */

/* How much there is in a run. `check` tries several of these together. */
#ifndef STREAMS
#define STREAMS 1
#endif
#ifndef LIVES
#define LIVES 1
#endif
#ifndef POOL
#define POOL 2
#endif
#ifndef NOTIFIERS
#define NOTIFIERS 1
#endif
#ifndef DRAINS
#define DRAINS 0
#endif
#ifndef CANCELS
#define CANCELS 0    /* RST_STREAM */
#endif
#ifndef JAMS
#define JAMS 0       /* times that the socket takes no more for a while */
#endif

mtype = { HEADERS, RST_STREAM };                      /* What the client sends. */
mtype = { UNUSED, OPEN, ANSWERED, CANCELLED, ENDED }; /* A stream. ENDED: with its connection. */
mtype = { OVER, EVENT, READ, BEGIN, CANCEL, UNPARK, CLAIM, PUSH, GIVE_BACK, NOTE, WRITE,
          SETTLE, REST, CLOSE, CLOSE_UNPARK, END_LIFE, CLEAR, RELEASE };

/* Connection::News */
#define INPUT 1
#define FIN 2
#define ANSWERS 4

/* --- The connection, its socket, and the answers that are queued to it. */
byte life, noted;
bool owned = true, in_use;
bool open, fin, jammed, edge;
byte watched;
chan wire = [STREAMS * 2] of { mtype, byte };
chan answers = [STREAMS] of { byte };          /* Each step on it is under its mutex. */

/* --- Exchanges, and the queue they are parked on. */
#define EXCHANGES 2
bool used[EXCHANGES], ex_owned[EXCHANGES], linked[EXCHANGES];
byte ex_turn[EXCHANGES], stream_of[EXCHANGES], life_of[EXCHANGES];
bool mutex, queue_draining;
byte handing_out;

/* --- Streams, as the connection knows them. */
mtype state[4] = UNUSED;
byte ex_of[4], ticket_of[4], life_of_stream[4];
byte asked;                                    /* Streams that clients have opened. */

bool draining, drained, told;  /* told: so was the connection. */
byte lives = LIVES, jams = JAMS, cancels = CANCELS;
chan tasks = [6] of { byte, byte };

/* --- What only the proof knows. */
#define NOBODY 100
byte owner = NOBODY, busy;

#define TOUCH assert(in_use && owner == _pid)
#define IS_OPEN(s) (state[s] == OPEN && life_of_stream[s] == life)
#define SOME_OPEN (IS_OPEN(1) || IS_OPEN(2) || IS_OPEN(STREAMS))
#define OF_MINE(x) (used[x] && life_of[x] == life)

inline own() { assert(in_use && owner == NOBODY); owned = true; owner = _pid }
inline post(about, with) { assert(len(tasks) < 6); tasks!about(with) }

#define TURN_LOCALS mtype step = OVER; byte news, key, e, s

inline take_turn() {
  do
  /* At server/net/connection.cc: Connection::on_events */
  :: atomic { step == EVENT ->
       if
       :: key != life -> step = OVER
       :: key == life && owned -> noted = noted | news; step = OVER
       :: key == life && !owned -> noted = news & FIN; own(); step = READ
       fi }

  /* Frames. RST_STREAM may be for a stream that is answered, or about to be. */
  :: atomic { step == READ -> TOUCH;
       if
       :: wire?HEADERS(s) -> step = BEGIN
       :: wire?RST_STREAM(s) -> step = CANCEL
       :: len(wire) == 0 && fin -> step = CLOSE
       :: len(wire) == 0 && !fin -> step = WRITE
       fi }
  /* Without room for an exchange, and while the queue is drained, the answer is ready at once. */
  :: atomic { step == BEGIN && !mutex -> TOUCH;
       state[s] = OPEN; life_of_stream[s] = life;
       if
       :: !queue_draining && !used[0] -> e = 0
       :: !queue_draining && used[0] && !used[1] -> e = 1
       :: else -> e = EXCHANGES
       fi;
       if
       :: e == EXCHANGES -> answers!s
       :: else ->
          assert(!linked[e] && !drained);
          used[e] = true; ex_turn[e]++; stream_of[e] = s; life_of[e] = life;
          ex_of[s] = e; ticket_of[s] = ex_turn[e];
          ex_owned[e] = false; linked[e] = true
       fi;
       s = 0; e = 0; step = READ }
  :: atomic { step == CANCEL -> TOUCH;
       if
       :: state[s] == OPEN ->
          e = ex_of[s];
          if
#ifdef CANCEL_WITHOUT_TICKET
          :: used[e] && !ex_owned[e] ->
#else
          :: used[e] && !ex_owned[e] && ex_turn[e] == ticket_of[s] ->
#endif
             ex_owned[e] = true; step = UNPARK
          :: else -> step = READ   /* A notifier has it. Its answer is dropped. */
          fi;
          state[s] = CANCELLED
       :: else -> step = READ
       fi;
       s = 0 }
  /* At core/table/shard.cc: Shard::unpark */
  :: atomic { step == UNPARK && !mutex -> linked[e] = false;
       used[e] = false; e = 0; step = READ }

  /* A notifier has taken the exchange out. At core/parking/wait_queue.cc: WaitQueue::take_out */
  :: atomic { step == CLAIM ->
       if
#ifdef ANSWER_WITHOUT_CLAIM
       :: true ->
#else
       :: !ex_owned[e] ->
#endif
          ex_owned[e] = true; handing_out++;
          s = stream_of[e]; key = life_of[e];
#ifdef NOTE_BEFORE_PUSH
          step = NOTE
#else
#ifdef FREE_BEFORE_PUSH
          step = GIVE_BACK
#else
          step = PUSH
#endif
#endif
#ifndef ANSWER_WITHOUT_CLAIM
       :: ex_owned[e] -> step = OVER  /* Its stream or its connection is over. */
#endif
       fi;
       mutex = false }
  :: atomic { step == PUSH ->
       if
#ifdef PUSH_WITHOUT_LIFE
       :: true -> answers!stream_of[e]
#else
       :: key == life -> assert(len(answers) < STREAMS); answers!stream_of[e]
       :: else
#endif
       fi;
#ifdef FREE_BEFORE_PUSH
       step = NOTE
#else
       step = GIVE_BACK
#endif
       }
  :: atomic { step == GIVE_BACK ->
       assert(used[e] && !linked[e]);
       used[e] = false;
#ifdef NOTE_BEFORE_PUSH
       handing_out--; step = OVER
#else
#ifdef FREE_BEFORE_PUSH
       step = PUSH
#else
       step = NOTE
#endif
#endif
       }
  /* At server/net/connection.cc: Connection::on_events */
  :: atomic { step == NOTE ->
       s = 0;
#ifndef NOTE_BEFORE_PUSH
       handing_out--;
#endif
#if defined(WRITE_WITHOUT_OWNERSHIP)
       step = WRITE
#elif defined(NOTE_BEFORE_PUSH)
       post(key, ANSWERS); step = PUSH
#else
       if
       :: key == life && owned -> noted = noted | ANSWERS; step = OVER
       :: key == life && !owned -> own(); step = WRITE
       :: key != life -> step = OVER
       fi
#endif
       }

  /* All that is queued leaves in one write. At server/net/connection_io.cc: Connection::transmit */
  :: atomic { step == WRITE -> TOUCH;
       if
       :: jammed || len(answers) == 0 -> step = SETTLE
       :: !jammed && jams > 0 && len(answers) > 0 -> jams--; jammed = true; step = SETTLE
       :: !jammed && len(answers) > 0 ->
          do
          :: answers?s ->
             assert(life_of_stream[s] == life);  /* It is no answer to another connection. */
             assert(state[s] != ANSWERED);       /* Nor a second one. */
             assert(state[s] == OPEN || state[s] == CANCELLED);
             if :: state[s] == OPEN -> state[s] = ANSWERED :: else fi
          :: len(answers) == 0 -> break
          od;
          s = 0; step = SETTLE
       fi }
  /* At server/net/front.cc: Front::finish_sending */
  :: atomic { step == SETTLE -> TOUCH;
       step = (draining && !jammed && !SOME_OPEN && len(wire) == 0 -> CLOSE : REST) }
  /* At server/net/connection.cc: Connection::rest */
  :: atomic { step == REST -> TOUCH;
       news = noted; noted = 0; owned = false; owner = NOBODY;
       /* At server/net/front.cc: Front::look_again */
       if
#ifndef DROP_NOTED
       :: news -> post(life, news)
#endif
       :: else
       fi;
       step = OVER }

  /* At server/net/front.cc: Front::close. First its exchanges: those that nobody has. */
  :: atomic { step == CLOSE -> TOUCH;
       open = false; edge = false; jammed = false;
       if
       :: OF_MINE(0) && !ex_owned[0] -> ex_owned[0] = true; e = 0; step = CLOSE_UNPARK
       :: OF_MINE(1) && !ex_owned[1] -> ex_owned[1] = true; e = 1; step = CLOSE_UNPARK
       :: else ->
#ifdef CLEAR_BEFORE_END_LIFE
          step = CLEAR
#else
          step = END_LIFE
#endif
       fi }
  :: atomic { step == CLOSE_UNPARK && !mutex ->
#ifndef CLOSE_WITHOUT_UNPARK
       linked[e] = false;
#endif
       assert(!linked[e]);
       used[e] = false; e = 0; step = CLOSE }
  /* At server/net/connection.cc: Connection::end_life */
  :: atomic { step == END_LIFE -> TOUCH;
       life++; noted = 0;
#ifdef CLEAR_BEFORE_END_LIFE
       step = RELEASE
#else
       step = CLEAR
#endif
       }
  :: atomic { step == CLEAR -> TOUCH;
       do :: answers?s :: len(answers) == 0 -> break od;
       do :: wire?_(s) :: len(wire) == 0 -> break od;
       s = 0;
#ifdef CLEAR_BEFORE_END_LIFE
       step = END_LIFE
#else
       step = RELEASE
#endif
       }
  /* At server/net/connection_slots.cc: ConnectionSlots::release */
  :: atomic { step == RELEASE -> TOUCH; in_use = false; owner = NOBODY; step = OVER }

  :: atomic { step == OVER -> busy--; news = 0; key = 0; e = 0; s = 0; break }
  od
}

/* At server/net/pool.cc: Pool::work */
active [POOL] proctype PoolThread() {
  TURN_LOCALS;
end:
  if
  :: atomic { edge -> edge = false; key = watched; busy++;
       news = INPUT | (fin -> FIN : 0); step = EVENT }
  :: atomic { tasks?key(news) -> busy++; step = EVENT }
  fi;
  take_turn();
  goto end
}

/* At core/parking/wait_queue.cc: WaitQueue::run */
active [NOTIFIERS] proctype Notifier() {
  TURN_LOCALS;
end:
  if
  :: atomic { !mutex && linked[0] -> mutex = true; busy++; linked[0] = false; e = 0; step = CLAIM }
  :: atomic { !mutex && linked[1] -> mutex = true; busy++; linked[1] = false; e = 1; step = CLAIM }
  fi;
  take_turn();
  goto end
}

/* At server/net/front.cc: Front::adopt */
active proctype AcceptLoop() {
  TURN_LOCALS;
end:
  do
  :: atomic { lives > 0 && !in_use && !draining ->
       lives--; in_use = true; owner = _pid; busy++;
       open = true; fin = false; watched = life; step = REST };
     take_turn()
  od
}

/* At server/net/front_room.cc: Front::drain. Every connection is looked at afresh: whoever owns one
   is told to do so before it rests. */
active proctype Drainer() {
  TURN_LOCALS;
end:
  DRAINS > 0;
  draining = true;
  atomic { !mutex -> queue_draining = true };
  atomic { !mutex && !linked[0] && !linked[1] && handing_out == 0 -> drained = true };
  atomic { told = true; key = life; news = ANSWERS; busy++; step = EVENT };
  take_turn()
}

/* Clients. */
#define MAY_CANCEL(s) (cancels > 0 && open && !fin && len(wire) == 0 && IS_OPEN(s))

active proctype World() {
end:
  do
  :: d_step { open && !fin && asked < STREAMS ->
       asked++; wire!HEADERS(asked); edge = true }
  :: d_step { MAY_CANCEL(1) -> cancels--; wire!RST_STREAM(1); edge = true }
  :: d_step { MAY_CANCEL(2) -> cancels--; wire!RST_STREAM(2); edge = true }
  :: d_step { open && !fin -> fin = true; edge = true }
  :: d_step { open && jammed -> jammed = false; edge = true }
  od
}

/* When all threads sleep, and nothing is on its way to them ... */
#define QUIET (busy == 0 && len(tasks) == 0 && !edge && !(queue_draining && (linked[0] || linked[1])))
/* ... an open stream is parked, or its answer waits for room in the socket. */
#define PARKED(s) (linked[ex_of[s]] && stream_of[ex_of[s]] == s)
#define FINE(s) (!IS_OPEN(s) || PARKED(s) || jammed)

active proctype Judge() {
end:
  atomic { QUIET && (in_use -> (owned || owner != NOBODY || fin || len(wire) > 0 ||
                                (len(answers) > 0 && !jammed) || (told && !jammed) ||
                                !FINE(1) || !FINE(2) || !FINE(STREAMS))
                            : (linked[0] || linked[1])) -> assert(false) }
}
