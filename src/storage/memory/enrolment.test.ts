import { enrolmentSuite } from '../../ca/enrolment.suite.ts';
import { memoryEnrolments } from './enrolment.ts';

enrolmentSuite('memory', memoryEnrolments);
