//! The table of primitives: one row each, from which the enum, the names and the dispatch are made.

use super::Effect::{self, Contents, Escapes, Field, Pure, Reaches, Stores};
use crate::vm::primitives::{
    arenas, bytevectors, characters, control, equality, files, input, lists, numbers, output, strings,
    symbols, vectors,
};
use crate::vm::{Arguments, Machine, Outcome};
use std::collections::HashMap;
use std::sync::OnceLock;

/// One row.
struct Row {
    name: &'static str,
    least: u8,
    /// `None`: any number.
    most: Option<u8>,
    effect: Effect,
    run: fn(&mut Machine, Arguments) -> Outcome,
}

/// No upper bound on the number of arguments.
const MANY: Option<u8> = None;

/// An upper bound on the number of arguments.
const fn to(most: u8) -> Option<u8> {
    Some(most)
}

macro_rules! primitives {
    ($($variant:ident $name:literal $least:literal $most:expr, $effect:expr, $run:path;)*) => {
        /// A built-in procedure.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub(crate) enum Primitive { $($variant),* }

        const ALL: &[Primitive] = &[$(Primitive::$variant),*];
        const TABLE: &[Row] = &[$(Row { name: $name, least: $least, most: $most, effect: $effect, run: $run }),*];
    };
}

primitives! {
    Cons "cons" 2 to(2), Stores(0), lists::cons;
    Car "car" 1 to(1), Field(0), lists::car;
    Cdr "cdr" 1 to(1), Field(0), lists::cdr;
    Caar "caar" 1 to(1), Reaches(0), lists::caar;
    Cadr "cadr" 1 to(1), Reaches(0), lists::cadr;
    Cdar "cdar" 1 to(1), Reaches(0), lists::cdar;
    Cddr "cddr" 1 to(1), Reaches(0), lists::cddr;
    Caddr "caddr" 1 to(1), Reaches(0), lists::caddr;
    Cdddr "cdddr" 1 to(1), Reaches(0), lists::cdddr;
    Cadddr "cadddr" 1 to(1), Reaches(0), lists::cadddr;
    SetCar "set-car!" 2 to(2), Stores(1), lists::set_car;
    SetCdr "set-cdr!" 2 to(2), Stores(1), lists::set_cdr;
    IsNull "null?" 1 to(1), Pure, lists::is_null;
    IsPair "pair?" 1 to(1), Pure, lists::is_pair;
    IsList "list?" 1 to(1), Pure, lists::is_list;
    Length "length" 1 to(1), Pure, lists::length;
    List "list" 0 MANY, Escapes, lists::list;
    Reverse "reverse" 1 to(1), Contents(0), lists::reverse;
    AppendTwo "%append" 2 to(2), Contents(0), lists::append;
    ListTail "list-tail" 2 to(2), Reaches(0), lists::list_tail;
    ListRef "list-ref" 2 to(2), Reaches(0), lists::list_ref;
    Memq "memq" 2 to(2), Reaches(1), lists::memq;
    Memv "memv" 2 to(2), Reaches(1), lists::memv;
    MemberEqual "%member" 2 to(2), Reaches(1), lists::member;
    Assq "assq" 2 to(2), Reaches(1), lists::assq;
    Assv "assv" 2 to(2), Reaches(1), lists::assv;
    AssocEqual "%assoc" 2 to(2), Reaches(1), lists::assoc;
    ListCopy "list-copy" 1 to(1), Contents(0), lists::list_copy;

    Eq "eq?" 2 to(2), Pure, equality::eq;
    Eqv "eqv?" 2 to(2), Pure, equality::eqv;
    Equal "equal?" 2 to(2), Pure, equality::equal;
    Not "not" 1 to(1), Pure, equality::not;
    IsBoolean "boolean?" 1 to(1), Pure, equality::is_boolean;
    Hash "%hash" 1 to(1), Pure, equality::hash;

    Add "+" 0 MANY, Pure, numbers::add;
    Subtract "-" 1 MANY, Pure, numbers::subtract;
    Multiply "*" 0 MANY, Pure, numbers::multiply;
    Divide "/" 1 MANY, Pure, numbers::divide;
    NumberEqual "=" 1 MANY, Pure, numbers::equal;
    Less "<" 1 MANY, Pure, numbers::less;
    Greater ">" 1 MANY, Pure, numbers::greater;
    AtMost "<=" 1 MANY, Pure, numbers::at_most;
    AtLeast ">=" 1 MANY, Pure, numbers::at_least;
    Quotient "quotient" 2 to(2), Pure, numbers::quotient;
    TruncateQuotient "truncate-quotient" 2 to(2), Pure, numbers::quotient;
    Remainder "remainder" 2 to(2), Pure, numbers::remainder;
    TruncateRemainder "truncate-remainder" 2 to(2), Pure, numbers::remainder;
    Modulo "modulo" 2 to(2), Pure, numbers::modulo;
    FloorRemainder "floor-remainder" 2 to(2), Pure, numbers::modulo;
    FloorQuotient "floor-quotient" 2 to(2), Pure, numbers::floor_quotient;
    Absolute "abs" 1 to(1), Pure, numbers::absolute;
    Minimum "min" 1 MANY, Pure, numbers::minimum;
    Maximum "max" 1 MANY, Pure, numbers::maximum;
    Gcd "gcd" 0 MANY, Pure, numbers::gcd;
    IsNumber "number?" 1 to(1), Pure, numbers::is_number;
    IsReal "real?" 1 to(1), Pure, numbers::is_number;
    IsInteger "integer?" 1 to(1), Pure, numbers::is_integer;
    IsRational "rational?" 1 to(1), Pure, numbers::is_rational;
    IsExact "exact?" 1 to(1), Pure, numbers::is_exact;
    IsExactInteger "exact-integer?" 1 to(1), Pure, numbers::is_exact_integer;
    IsInexact "inexact?" 1 to(1), Pure, numbers::is_inexact;
    IsNan "nan?" 1 to(1), Pure, numbers::is_nan;
    IsZero "zero?" 1 to(1), Pure, numbers::is_zero;
    IsPositive "positive?" 1 to(1), Pure, numbers::is_positive;
    IsNegative "negative?" 1 to(1), Pure, numbers::is_negative;
    IsOdd "odd?" 1 to(1), Pure, numbers::is_odd;
    IsEven "even?" 1 to(1), Pure, numbers::is_even;
    Exact "exact" 1 to(1), Pure, numbers::exact;
    InexactToExact "inexact->exact" 1 to(1), Pure, numbers::exact;
    Inexact "inexact" 1 to(1), Pure, numbers::inexact;
    ExactToInexact "exact->inexact" 1 to(1), Pure, numbers::inexact;
    Floor "floor" 1 to(1), Pure, numbers::floor;
    Ceiling "ceiling" 1 to(1), Pure, numbers::ceiling;
    Round "round" 1 to(1), Pure, numbers::round;
    Truncate "truncate" 1 to(1), Pure, numbers::truncate;
    Sqrt "sqrt" 1 to(1), Pure, numbers::sqrt;
    Expt "expt" 2 to(2), Pure, numbers::expt;
    Exp "exp" 1 to(1), Pure, numbers::exp;
    Log "log" 1 to(2), Pure, numbers::log;
    Sin "sin" 1 to(1), Pure, numbers::sin;
    Cos "cos" 1 to(1), Pure, numbers::cos;
    Tan "tan" 1 to(1), Pure, numbers::tan;
    Asin "asin" 1 to(1), Pure, numbers::asin;
    Acos "acos" 1 to(1), Pure, numbers::acos;
    Atan "atan" 1 to(2), Pure, numbers::atan;
    NumberToString "number->string" 1 to(2), Pure, numbers::number_to_string;
    StringToNumber "string->number" 1 to(2), Pure, numbers::string_to_number;
    BitwiseAnd "bitwise-and" 0 MANY, Pure, numbers::bitwise_and;
    BitwiseOr "bitwise-ior" 0 MANY, Pure, numbers::bitwise_or;
    BitwiseXor "bitwise-xor" 0 MANY, Pure, numbers::bitwise_xor;
    ArithmeticShift "arithmetic-shift" 2 to(2), Pure, numbers::arithmetic_shift;

    IsChar "char?" 1 to(1), Pure, characters::is_char;
    CharToInteger "char->integer" 1 to(1), Pure, characters::char_to_integer;
    IntegerToChar "integer->char" 1 to(1), Pure, characters::integer_to_char;
    CharEqual "char=?" 1 MANY, Pure, characters::equal;
    CharLess "char<?" 1 MANY, Pure, characters::less;
    CharGreater "char>?" 1 MANY, Pure, characters::greater;
    CharAtMost "char<=?" 1 MANY, Pure, characters::at_most;
    CharAtLeast "char>=?" 1 MANY, Pure, characters::at_least;
    IsAlphabetic "char-alphabetic?" 1 to(1), Pure, characters::is_alphabetic;
    IsNumeric "char-numeric?" 1 to(1), Pure, characters::is_numeric;
    IsWhitespace "char-whitespace?" 1 to(1), Pure, characters::is_whitespace;
    IsUpperCase "char-upper-case?" 1 to(1), Pure, characters::is_upper_case;
    IsLowerCase "char-lower-case?" 1 to(1), Pure, characters::is_lower_case;
    CharUpcase "char-upcase" 1 to(1), Pure, characters::upcase;
    CharDowncase "char-downcase" 1 to(1), Pure, characters::downcase;
    DigitValue "digit-value" 1 to(1), Pure, characters::digit_value;

    IsSymbol "symbol?" 1 to(1), Pure, symbols::is_symbol;
    SymbolToString "symbol->string" 1 to(1), Pure, symbols::symbol_to_string;
    StringToSymbol "string->symbol" 1 to(1), Pure, symbols::string_to_symbol;

    IsString "string?" 1 to(1), Pure, strings::is_string;
    MakeString "make-string" 1 to(2), Pure, strings::make_string;
    String "string" 0 MANY, Pure, strings::string;
    StringLength "string-length" 1 to(1), Pure, strings::length;
    StringRef "string-ref" 2 to(2), Pure, strings::string_ref;
    StringSet "string-set!" 3 to(3), Pure, strings::string_set;
    StringAppend "string-append" 0 MANY, Pure, strings::append;
    Substring "substring" 2 to(3), Pure, strings::substring;
    StringCopy "string-copy" 1 to(3), Pure, strings::substring;
    StringToList "string->list" 1 to(3), Pure, strings::to_list;
    ListToString "list->string" 1 to(1), Pure, strings::from_list;
    StringEqual "string=?" 1 MANY, Pure, strings::equal;
    StringLess "string<?" 1 MANY, Pure, strings::less;
    StringGreater "string>?" 1 MANY, Pure, strings::greater;
    StringAtMost "string<=?" 1 MANY, Pure, strings::at_most;
    StringAtLeast "string>=?" 1 MANY, Pure, strings::at_least;
    StringUpcase "string-upcase" 1 to(1), Pure, strings::upcase;
    StringDowncase "string-downcase" 1 to(1), Pure, strings::downcase;
    StringIndex "%string-index" 3 to(3), Pure, strings::index;

    IsVector "vector?" 1 to(1), Pure, vectors::is_vector;
    MakeVector "make-vector" 1 to(2), Stores(1), vectors::make_vector;
    Vector "vector" 0 MANY, Escapes, vectors::vector;
    VectorLength "vector-length" 1 to(1), Pure, vectors::length;
    VectorRef "vector-ref" 2 to(2), Field(0), vectors::vector_ref;
    VectorSet "vector-set!" 3 to(3), Stores(2), vectors::vector_set;
    VectorFill "vector-fill!" 2 to(2), Stores(1), vectors::fill;
    VectorToList "vector->list" 1 to(3), Contents(0), vectors::to_list;
    ListToVector "list->vector" 1 to(1), Contents(0), vectors::from_list;
    VectorCopy "vector-copy" 1 to(3), Contents(0), vectors::copy;
    Subvector "subvector" 3 to(3), Contents(0), vectors::copy;

    IsBytevector "bytevector?" 1 to(1), Pure, bytevectors::is_bytevector;
    MakeBytevector "make-bytevector" 1 to(2), Pure, bytevectors::make_bytevector;
    Bytevector "bytevector" 0 MANY, Pure, bytevectors::bytevector;
    BytevectorLength "bytevector-length" 1 to(1), Pure, bytevectors::length;
    BytevectorRef "bytevector-u8-ref" 2 to(2), Pure, bytevectors::u8_ref;
    BytevectorSet "bytevector-u8-set!" 3 to(3), Pure, bytevectors::u8_set;
    BytevectorCopy "bytevector-copy" 1 to(3), Pure, bytevectors::copy;
    BytevectorAppend "bytevector-append" 0 MANY, Pure, bytevectors::append;
    Utf8ToString "utf8->string" 1 to(3), Pure, bytevectors::utf8_to_string;
    StringToUtf8 "string->utf8" 1 to(1), Pure, bytevectors::string_to_utf8;

    IsProcedure "procedure?" 1 to(1), Pure, control::is_procedure;
    Apply "apply" 2 MANY, Escapes, control::apply_out_of_line;
    Error "error" 1 MANY, Escapes, control::error;
    Exit "exit" 0 to(1), Pure, control::exit;
    CommandLine "command-line" 0 to(0), Pure, control::command_line;
    CurrentJiffy "current-jiffy" 0 to(0), Pure, control::current_jiffy;
    JiffiesPerSecond "jiffies-per-second" 0 to(0), Pure, control::jiffies_per_second;
    CollectGarbage "collect-garbage" 0 to(0), Pure, control::collect_garbage;
    MemoryUsed "memory-used" 0 to(0), Pure, control::memory_used;

    Display "display" 1 to(2), Pure, output::display;
    Write "write" 1 to(2), Pure, output::write;
    Newline "newline" 0 to(1), Pure, output::newline;
    WriteChar "write-char" 1 to(2), Pure, output::write_char;
    WriteString "write-string" 1 to(2), Pure, output::write_string;
    FlushOutput "flush-output-port" 0 to(1), Pure, output::flush;
    OpenOutputString "open-output-string" 0 to(0), Pure, output::open_string;
    GetOutputString "get-output-string" 1 to(1), Pure, output::string_so_far;
    CurrentOutput "current-output-port" 0 to(0), Pure, output::current;
    CurrentError "current-error-port" 0 to(0), Pure, output::current_error;
    ReadLine "read-line" 0 to(1), Pure, input::read_line;
    ReadChar "read-char" 0 to(1), Pure, input::read_char;
    PeekChar "peek-char" 0 to(1), Pure, input::peek_char;
    ReadString "read-string" 1 to(2), Pure, input::read_string;
    OpenInputString "open-input-string" 1 to(1), Pure, input::open_string;
    CurrentInput "current-input-port" 0 to(0), Pure, input::current;
    EofObject "eof-object" 0 to(0), Pure, input::eof_object;
    IsEof "eof-object?" 1 to(1), Pure, input::is_eof;
    OpenInputFile "open-input-file" 1 to(1), Pure, files::open_input;
    OpenOutputFile "open-output-file" 1 to(1), Pure, files::open_output;
    ClosePort "close-port" 1 to(1), Pure, files::close;
    CloseInputPort "close-input-port" 1 to(1), Pure, files::close;
    CloseOutputPort "close-output-port" 1 to(1), Pure, files::close;
    IsPort "port?" 1 to(1), Pure, files::is_port;
    IsInputPort "input-port?" 1 to(1), Pure, files::is_input_port;
    IsOutputPort "output-port?" 1 to(1), Pure, files::is_output_port;
    FileExists "file-exists?" 1 to(1), Pure, files::exists;
    DeleteFile "delete-file" 1 to(1), Pure, files::delete;

    MakeArena "make-arena" 1 to(1), Pure, arenas::make;
    DestroyArena "destroy-arena" 1 to(1), Pure, arenas::destroy;
    IsArena "arena?" 1 to(1), Pure, arenas::is_arena;
    EnterArena "%arena-enter" 1 to(1), Pure, arenas::enter;
    LeaveArena "%arena-leave" 1 to(1), Pure, arenas::leave;
}

impl Primitive {
    /// The primitive of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        static NAMES: OnceLock<HashMap<&'static str, Primitive>> = OnceLock::new();
        NAMES.get_or_init(|| Self::all().map(|p| (p.name(), p)).collect()).get(name).copied()
    }

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        ALL.iter().copied()
    }

    /// The primitive with this number.
    pub(crate) fn from_number(number: u16) -> Option<Self> {
        ALL.get(usize::from(number)).copied()
    }

    pub(crate) fn number(self) -> u16 {
        self as u16
    }

    fn row(self) -> &'static Row {
        &TABLE[usize::from(self.number())]
    }

    pub(crate) fn name(self) -> &'static str {
        self.row().name
    }

    pub(crate) fn effect(self) -> Effect {
        self.row().effect
    }

    /// Can it be called with so many arguments?
    pub(crate) fn takes(self, count: usize) -> bool {
        let row = self.row();
        count >= usize::from(row.least) && row.most.is_none_or(|most| count <= usize::from(most))
    }

    /// "1 argument", "at least 2 arguments": for messages.
    pub(crate) fn arity(self) -> String {
        let row = self.row();
        match row.most {
            Some(most) if most == row.least => count_of_arguments(usize::from(most)),
            Some(most) => format!("{} to {}", row.least, count_of_arguments(usize::from(most))),
            None => format!("at least {}", count_of_arguments(usize::from(row.least))),
        }
    }

    pub(crate) fn run(self, machine: &mut Machine, arguments: Arguments) -> Outcome {
        (self.row().run)(machine, arguments)
    }
}

impl Primitive {
    /// Does it make objects on the heap? (Arithmetic, which may make a flonum, is not counted.)
    pub(crate) fn allocates(self) -> bool {
        use Primitive::{
            AppendTwo, CommandLine, GetOutputString, List, ListCopy, ReadLine, ReadString, Reverse,
            StringDowncase, StringToList, StringUpcase, SymbolToString, VectorToList,
        };
        self.makes_object()
            || matches!(
                self,
                List | ListCopy
                    | Reverse
                    | AppendTwo
                    | StringToList
                    | VectorToList
                    | StringUpcase
                    | StringDowncase
                    | SymbolToString
                    | ReadLine
                    | ReadString
                    | GetOutputString
                    | CommandLine
            )
    }

    /// Is its result always an object that it has just made?
    pub(crate) fn makes_object(self) -> bool {
        use Primitive::{
            Bytevector, BytevectorAppend, BytevectorCopy, Cons, ListToString, ListToVector, MakeBytevector,
            MakeString, MakeVector, NumberToString, String, StringAppend, StringCopy, StringToUtf8,
            Substring, Subvector, Utf8ToString, Vector, VectorCopy,
        };
        matches!(
            self,
            Cons | Vector
                | MakeVector
                | VectorCopy
                | Subvector
                | ListToVector
                | String
                | MakeString
                | StringAppend
                | StringCopy
                | Substring
                | ListToString
                | NumberToString
                | Utf8ToString
                | Bytevector
                | MakeBytevector
                | BytevectorCopy
                | BytevectorAppend
                | StringToUtf8
        )
    }
}

/// "1 argument", "3 arguments".
pub(crate) fn count_of_arguments(count: usize) -> String {
    format!("{count} argument{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_primitive_is_found_by_its_name_and_number() {
        for primitive in Primitive::all() {
            assert_eq!(Primitive::named(primitive.name()), Some(primitive));
            assert_eq!(Primitive::from_number(primitive.number()), Some(primitive));
        }
        assert_eq!(Primitive::from_number(u16::MAX), None);
    }

    #[test]
    fn arity_is_checked_and_told() {
        assert!(Primitive::Car.takes(1) && !Primitive::Car.takes(2));
        assert!(Primitive::Add.takes(0) && Primitive::Add.takes(500));
        assert_eq!(Primitive::Car.arity(), "1 argument");
        assert_eq!(Primitive::Substring.arity(), "2 to 3 arguments");
        assert_eq!(Primitive::Error.arity(), "at least 1 argument");
    }
}
